"""What the tables of an export are made of: columns, and the rows they take their cells from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from appliance.core.csv_text import Cell
from appliance.core.export_dates import Calendar
from appliance.core.ids import InferenceId
from appliance.core.inference import Attachment, Consent, Inference, Recording

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[Row]):
    """One column of a table.

    Attributes:
        type: `string`, `integer`, `number`, `boolean`, `instant` or `numbers` (JSON).
        unit: UCUM; empty where there is none.
        values: all that a text may be; empty where it may be any.
        cell: takes the value from a row.
    """

    name: str
    type: str
    meaning: str
    unit: str = ""
    values: tuple[str, ...] = ()
    cell: Callable[[Row], Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceRow:
    """An inference with what an export adds to it.

    Attributes:
        patient_id: the pseudonym; None where no RGH was asked.
        user_id, tablet_id: pseudonyms, too, unless patients are identified.
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
        path: of its sound in the export; None where the sound is not in it.
    """

    inference_id: InferenceId
    attachment: Attachment
    recording: Recording
    room_noise_db: float | None
    path: str | None


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


def cells(columns: Sequence[Column[Row]], row: Row, calendar: Calendar) -> tuple[Cell, ...]:
    """Return a row's cells in the order of the columns, each instant by the calendar."""
    return tuple(calendar.cell(one.cell(row)) for one in columns)


def column(
    name: str,
    kind: str,
    meaning: str,
    cell: Callable[[Row], Cell],
    *,
    unit: str = "",
    values: Iterable[str] = (),
) -> Column[Row]:
    """Return a column; short, since there are many."""
    return Column(name=name, type=kind, meaning=meaning, unit=unit, values=tuple(values), cell=cell)


def only(pattern: str, text: str | None) -> str | None:
    """Return a client's text where it has this form, else None.

    A text of any form could hold a name or an RGH, whoever took it in and whenever.
    """
    return text if text is not None and re.search(pattern, text) else None
