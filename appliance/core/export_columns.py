"""What the tables of an export are made of: columns, and the rows they take their cells from."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from appliance.core.csv_text import Cell
from appliance.core.ids import InferenceId
from appliance.core.inference import Attachment, Consent, Inference, Recording

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[Row]):
    """One column of a table.

    Attributes:
        type: `string`, `integer`, `number`, `boolean`, `instant` or `numbers` (JSON).
        unit: UCUM; empty where there is none.
        cell: takes the value from a row.
    """

    name: str
    type: str
    meaning: str
    unit: str = ""
    cell: Callable[[Row], Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceRow:
    """An inference with what an export adds to it.

    Attributes:
        patient_id: the pseudonym; None where no RGH was asked.
        user_id, tablet_id: pseudonyms, too.
        consent: the latest decision, which counts.
    """

    inference: Inference
    patient_id: str | None
    user_id: str | None
    tablet_id: str | None
    consent: Consent


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRow:
    """A recording in its place in an inference.

    Attributes:
        room_noise_db: of the recording of the room that was judged with it; None without one.
    """

    inference_id: InferenceId
    attachment: Attachment
    recording: Recording
    room_noise_db: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRow:
    """One decision on one inference.

    Attributes:
        languages: those of the installed protocols; no other is exported.
    """

    inference_id: InferenceId
    consent: Consent
    languages: frozenset[str]


def header(columns: Sequence[Column[Row]]) -> tuple[str, ...]:
    """Return the names of the columns."""
    return tuple(one.name for one in columns)


def cells(columns: Sequence[Column[Row]], row: Row) -> tuple[Cell, ...]:
    """Return a row's cells in the order of the columns."""
    return tuple(one.cell(row) for one in columns)


def column(
    name: str, kind: str, meaning: str, cell: Callable[[Row], Cell], *, unit: str = ""
) -> Column[Row]:
    """Return a column; short, since there are many."""
    return Column(name=name, type=kind, meaning=meaning, unit=unit, cell=cell)


def only(pattern: str, text: str | None) -> str | None:
    """Return a client's text where it has this form, else None.

    A text of any form could hold a name or an RGH, whoever took it in and whenever.
    """
    return text if text is not None and re.search(pattern, text) else None
