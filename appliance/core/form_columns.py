"""The columns that the forms of the protocols add to `inferences.csv`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from appliance.core.csv_text import Cell
from appliance.core.export_columns import choices_of
from appliance.core.export_dates import Calendar
from appliance.core.export_tables import INFERENCES
from appliance.core.form_field import Field, FieldFormat, FieldType, Range
from appliance.core.inference import Inference
from appliance.core.protocol import Protocol
from appliance.core.protocol_schema import ABSENT_REASON_SUFFIX, ABSENT_REASONS
from appliance.core.submission import NOT_DONE_REASONS

RGH: Final = "rgh"
"""Identifies a patient whatever a protocol says of it."""

AGE: Final = "age"
TOP_AGE: Final = 90
"""Of everybody who is older: so few are that their age would tell who they are (45 CFR 164.514)."""

NOT_DONE: Final = "not_done_"

_FIXED: Final = frozenset(column.name for column in INFERENCES)
_DATED: Final = frozenset({FieldFormat.DATE, FieldFormat.DATE_TIME})

_OPEN: Final = Range()

AnswerCell: TypeAlias = Callable[[Inference, Calendar], Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormColumn:
    """A column of `inferences.csv` that comes from the protocols.

    Attributes:
        type: as the codebook has it; `string` where two protocols differ.
        meaning: the label of the latest protocol, in its first language.
        values: all that a text may be, under any protocol; empty where it may be any.
        range: what a number lies in, under any protocol.
        cell: takes the answer from an inference, dates by the calendar of its patient.
    """

    name: str
    type: str = "string"
    meaning: str = ""
    unit: str = ""
    values: tuple[str, ...] = ()
    range: Range = _OPEN
    cell: AnswerCell

    @property
    def choices(self) -> tuple[str, ...]:
        """All that a cell may be, as the table spells it; empty where it may be any."""
        return choices_of(self.type, self.values)


def withheld(field: Field) -> str:
    """Return why a field never leaves the box unless patients are identified, or nothing.

    A free text is withheld too: people write names into free texts.
    """
    if field.identifying or field.name == RGH:
        return "identifying"
    closed = field.choices or field.format or field.from_hospitals
    if field.type is FieldType.STRING and not closed:
        return "free text"
    return ""


def kept_back(protocols: Sequence[Protocol], *, identified: bool) -> Mapping[str, str]:
    """Return which fields stay on the box, and why: what one protocol withholds no other gives."""
    if identified:
        return {}
    return {f.name: withheld(f) for p in protocols for f in p.fields if withheld(f)}


def form_columns(
    protocols: Sequence[Protocol], *, identified: bool = False
) -> tuple[FormColumn, ...]:
    """Return the columns of the forms: each field once, then the recordings not done.

    Args:
        protocols: all that inferences may have been taken under, oldest first.
        identified: also what identifies a patient, and ages as they are.
    """
    left_out = kept_back(protocols, identified=identified)
    names = dict.fromkeys(f.name for p in protocols for f in p.fields if f.name not in left_out)
    roles = dict.fromkeys(task.role for p in protocols for task in p.recordings)
    found: list[FormColumn] = []
    for name in names:
        asked = {p: f for p in protocols for f in p.fields if f.name == name}
        reason = name + ABSENT_REASON_SUFFIX
        found += (
            _answer_column(name, asked, top_age=None if identified else TOP_AGE),
            FormColumn(
                name=column_name(reason),
                meaning=f"why {name} has no answer",
                values=tuple(ABSENT_REASONS),
                cell=_answer(reason, {}),
            ),
        )
    return (*found, *map(_not_done_column, roles))


def column_name(field: str) -> str:
    """Return the name of a field's column, apart from the fixed ones.

    No protocol has a field that begins like `RESERVED`, so no two columns have one name.
    """
    return f"form_{field}" if field in _FIXED else field


def field_type(field: Field) -> str:
    """Return the type of a field as the codebook has it."""
    return field.format.value if field.format else field.type.value


def _answer_column(
    name: str, asked: Mapping[Protocol, Field], *, top_age: int | None
) -> FormColumn:
    fields = tuple(asked.values())
    types = {field_type(field) for field in fields}
    newest, latest = tuple(asked.items())[-1]
    closed = all(field.choices for field in fields)
    dated: dict[str, FieldFormat | None] = {
        protocol.id: field.format if field.format in _DATED else None
        for protocol, field in asked.items()
    }
    cell = _answer(name, dated)
    return FormColumn(
        name=column_name(name),
        type=types.pop() if len(types) == 1 else "string",
        meaning=latest.labels[newest.languages[0]],
        unit=latest.unit or "",
        values=tuple(dict.fromkeys(c for f in fields for c in f.choices)) if closed else (),
        range=_widest(fields),
        cell=cell if name != AGE or top_age is None else _at_most(top_age, cell),
    )


def _not_done_column(role: str) -> FormColumn:
    return FormColumn(
        name=NOT_DONE + role,
        meaning=f"why {role} was not recorded",
        values=tuple(sorted(NOT_DONE_REASONS)),
        cell=_not_done(role),
    )


def _widest(fields: Sequence[Field]) -> Range:
    """Return the range that holds those of all fields; a side one of them leaves open is open."""
    lows = [field.hard_range.minimum for field in fields]
    highs = [field.hard_range.maximum for field in fields]
    return Range(
        minimum=None if None in lows else min(low for low in lows if low is not None),
        maximum=None if None in highs else max(high for high in highs if high is not None),
    )


def _answer(name: str, dated: Mapping[str, FieldFormat | None]) -> AnswerCell:
    """Return what takes an answer.

    Args:
        name: of the field, or of the reason why it has no answer.
        dated: protocol id -> whether it is a date there, and which.
    """
    # A protocol that is not known any more may have asked the same: no date leaves as it was.
    otherwise = next((form for form in dated.values() if form is not None), None)

    def cell(inference: Inference, calendar: Calendar) -> Cell:
        answer = inference.form.get(name)
        if not isinstance(answer, str | int | float):
            return None
        form = dated.get(inference.protocol_id, otherwise)
        if form is None:
            return answer
        return calendar.answer(answer, form) if isinstance(answer, str) else None

    return cell


def _at_most(most: int, told: AnswerCell) -> AnswerCell:
    def cell(inference: Inference, calendar: Calendar) -> Cell:
        answer = told(inference, calendar)
        return min(answer, most) if isinstance(answer, int | float) else answer

    return cell


def _not_done(role: str) -> AnswerCell:
    def cell(inference: Inference, calendar: Calendar) -> Cell:  # noqa: ARG001 - as all of them
        reason = inference.not_done.get(role)
        return reason if reason in NOT_DONE_REASONS else None

    return cell
