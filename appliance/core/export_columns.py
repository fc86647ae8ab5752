"""What the tables of an export are made of: columns, and the rows they take their cells from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Generic, TypeVar

from appliance.core.csv_text import Cell
from appliance.core.export_audio import Sound
from appliance.core.export_dates import Calendar
from appliance.core.ids import InferenceId
from appliance.core.inference import Attachment, Consent, Inference, Recording
from appliance.core.protocol import Protocol

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[Row]):
    """One column of a table.

    Attributes:
        type: `string`, `integer`, `number`, `boolean`, `instant` or `numbers` (JSON).
        unit: UCUM; empty where there is none.
        values: all that a text may be; empty where it may be any.
        of_tablet: an instant by the clock of a tablet, so none of the box's own work.
        cell: takes the value from a row.
    """

    name: str
    type: str
    meaning: str
    unit: str = ""
    values: tuple[str, ...] = ()
    of_tablet: bool = False
    cell: Callable[[Row], Cell]

    @property
    def choices(self) -> tuple[str, ...]:
        """All that a cell may be, as the table spells it; empty where it may be any."""
        return choices_of(self.type, self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceRow:
    """An inference with what an export adds to it.

    Attributes:
        inference: its ids are pseudonyms, unless patients are identified.
        patient_id: the pseudonym; None where no RGH was asked.
        consent: the latest decision, which counts.
    """

    inference: Inference
    patient_id: str | None
    consent: Consent


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolTexts:
    """What the installed protocols say to patients; what else a client named is not told.

    Attributes:
        languages: they say it in.
        digests: SHA-256 of each prompt and each text of consent, in UTF-8.
    """

    languages: frozenset[str]
    digests: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRow:
    """A recording in its place in an inference.

    Attributes:
        room_noise_db: of the recording of the room that was judged with it; None without one.
        sound: its file, as it leaves or would.
        said: only prompts of these are told.
    """

    inference_id: InferenceId
    attachment: Attachment
    recording: Recording
    room_noise_db: float | None
    sound: Sound
    said: ProtocolTexts


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRow:
    """One decision on one inference.

    Attributes:
        said: only languages and texts of these are told.
    """

    inference_id: InferenceId
    consent: Consent
    said: ProtocolTexts


def choices_of(kind: str, values: tuple[str, ...]) -> tuple[str, ...]:
    """Return all that a cell of a type with these values may be; empty where it may be any."""
    return ("true", "false") if kind == "boolean" else values


def header(columns: Sequence[Column[Row]]) -> tuple[str, ...]:
    """Return the names of the columns."""
    return tuple(one.name for one in columns)


def cells(columns: Sequence[Column[Row]], row: Row, calendar: Calendar) -> tuple[Cell, ...]:
    """Return a row's cells in the order of the columns, each instant by the calendar."""
    return tuple(calendar.cell(one.cell(row), of_tablet=one.of_tablet) for one in columns)


def texts_of(protocols: Sequence[Protocol]) -> ProtocolTexts:
    """Return what these protocols say."""
    prompts = {text for p in protocols for task in p.recordings for text in task.prompts.values()}
    consents = {text.sha256 for p in protocols for text in p.consents.values()}
    return ProtocolTexts(
        languages=frozenset(language for p in protocols for language in p.languages),
        digests=frozenset({*consents, *(sha256(text.encode()).hexdigest() for text in prompts)}),
    )


def column(
    name: str,
    kind: str,
    meaning: str,
    cell: Callable[[Row], Cell],
    *,
    unit: str = "",
    values: Iterable[str] = (),
    of_tablet: bool = False,
) -> Column[Row]:
    """Return a column; short, since there are many."""
    return Column(
        name=name,
        type=kind,
        meaning=meaning,
        unit=unit,
        values=tuple(values),
        of_tablet=of_tablet,
        cell=cell,
    )


def one_of(known: frozenset[str], text: str | None) -> str | None:
    """Return a client's text where it is one of these, else None."""
    return text if text in known else None


def only(pattern: str, text: str | None) -> str | None:
    """Return a client's text where it has this form, else None.

    A text of any form could hold a name or an RGH, whoever took it in and whenever.
    """
    return text if text is not None and re.search(pattern, text) else None
