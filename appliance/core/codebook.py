"""The codebook of an export: every column, what it means and which values it takes.

Made from the installed protocols, so that a new protocol explains itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from appliance.core.csv_text import Cell
from appliance.core.export_columns import Column
from appliance.core.export_recordings import RECORDINGS
from appliance.core.export_tables import CONSENTS, INFERENCES, RESULTS
from appliance.core.form_field import Answer, Field, FieldType, ShowIf
from appliance.core.inference import Inference
from appliance.core.protocol import Protocol
from appliance.core.protocol_schema import ABSENT_REASON_SUFFIX, ABSENT_REASONS
from appliance.core.submission import NOT_DONE_REASONS

RGH: Final = "rgh"
"""Identifies a patient whatever a protocol says of it."""

HEADER: Final = (
    "file",
    "column",
    "type",
    "unit",
    "meaning",
    "code",
    "values",
    "minimum",
    "maximum",
    "soft_minimum",
    "soft_maximum",
    "required",
    "protocol",
    "exported",
    "group",
    "help",
    "shown_if",
    "alert_at_most",
    "alert_at_least",
    "not_before",
    "not_after",
    "never_to_model",
)
"""The columns of `codebook.csv`."""

TABLES: Final[tuple[tuple[str, tuple[Column[Any], ...]], ...]] = (
    ("inferences.csv", INFERENCES),
    ("results.csv", RESULTS),
    ("recordings.csv", RECORDINGS),
    ("consents.csv", CONSENTS),
)
"""Every table with its fixed columns."""

_FIXED: Final = frozenset(column.name for column in INFERENCES)
_NOT_DONE: Final = "not_done_"
AGE: Final = "age"
TOP_AGE: Final = 90
"""Of everybody who is older: so few are that their age would tell who they are (45 CFR 164.514)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormColumn:
    """A column of `inferences.csv` that comes from the protocols.

    Attributes:
        type: as the codebook has it; `string` where two protocols differ.
    """

    name: str
    type: str = "string"
    cell: Callable[[Inference], Cell]


def withheld(field: Field) -> str:
    """Return why a field never leaves the box, or nothing.

    A free text is withheld too: people write names into free texts.
    """
    if field.identifying or field.name == RGH:
        return "identifying"
    closed = field.choices or field.format or field.from_hospitals
    if field.type is FieldType.STRING and not closed:
        return "free text"
    return ""


def form_columns(protocols: Sequence[Protocol]) -> tuple[FormColumn, ...]:
    """Return the columns of the forms: each field once, then the recordings not done.

    What one protocol withholds no other one gives away.
    """
    kept_back = {f.name for p in protocols for f in p.fields if withheld(f)}
    fields = dict.fromkeys(f.name for p in protocols for f in p.fields if f.name not in kept_back)
    roles = dict.fromkeys(task.role for p in protocols for task in p.recordings)
    names = [name for field in fields for name in (field, field + ABSENT_REASON_SUFFIX)]
    types = _types(protocols)
    answers = [
        FormColumn(name=column_name(name), type=types.get(name, "string"), cell=_answer(name))
        for name in names
    ]
    return (*answers, *(FormColumn(name=_NOT_DONE + role, cell=_not_done(role)) for role in roles))


def _types(protocols: Sequence[Protocol]) -> Mapping[str, str]:
    """Return the type of each field that all protocols agree on."""
    found: dict[str, set[str]] = {}
    for protocol in protocols:
        for field in protocol.fields:
            found.setdefault(field.name, set()).add(_type(field))
    return {name: types.pop() for name, types in found.items() if len(types) == 1}


def _type(field: Field) -> str:
    return field.format.value if field.format else field.type.value


def column_name(field: str) -> str:
    """Return the name of a field's column, apart from the fixed ones.

    No protocol has a field that begins like `RESERVED`, so no two columns have one name.
    """
    return f"form_{field}" if field in _FIXED else field


def codebook_rows(protocols: Sequence[Protocol]) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows of the codebook: fixed columns, then each field of each protocol."""
    kept_back = {f.name: withheld(f) for p in protocols for f in p.fields if withheld(f)}
    for file, columns in TABLES:
        for column in columns:
            yield _row(
                file=file,
                column=column.name,
                type=column.type,
                unit=column.unit,
                meaning=column.meaning,
            )
        if columns is INFERENCES:
            for protocol in protocols:
                yield from _protocol_rows(protocol, kept_back)


def _protocol_rows(protocol: Protocol, kept_back: dict[str, str]) -> Iterator[tuple[Cell, ...]]:
    for field in protocol.fields:
        reason = kept_back.get(field.name, "")
        yield _field_row(field, protocol, exported=f"no: {reason}" if reason else "yes")
        if not reason:
            yield _row(
                column=column_name(field.name + ABSENT_REASON_SUFFIX),
                type="string",
                meaning=f"why {field.name} has no answer",
                values=" | ".join(ABSENT_REASONS),
                protocol=protocol.id,
            )
    for task in protocol.recordings:
        yield _row(
            column=_NOT_DONE + task.role,
            type="string",
            meaning=f"why {task.role} was not recorded",
            values=" | ".join(sorted(NOT_DONE_REASONS)),
            protocol=protocol.id,
        )


def _field_row(field: Field, protocol: Protocol, *, exported: str) -> tuple[Cell, ...]:
    language = protocol.languages[0]
    return _row(
        column=column_name(field.name),
        type=_type(field),
        unit=field.unit,
        meaning=field.labels[language] + (f" ({TOP_AGE}: or more)" if field.name == AGE else ""),
        code=" ".join(f"{code.system}|{code.code}" for code in field.codes),
        values="a hospital of the list" if field.from_hospitals else _values(field, protocol),
        minimum=field.hard_range.minimum,
        maximum=field.hard_range.maximum,
        soft_minimum=field.soft_range.minimum,
        soft_maximum=field.soft_range.maximum,
        required=field.required,
        protocol=protocol.id,
        exported=exported,
        group=field.group,
        help=field.helps.get(language),
        shown_if=_condition(field.show_if),
        alert_at_most=field.alert_range.at_most,
        alert_at_least=field.alert_range.at_least,
        not_before=field.not_before,
        not_after=field.not_after,
        never_to_model=field.never_to_model,
    )


def _condition(rule: ShowIf | None) -> str:
    """Return when a field is asked: `covid_status: TRUE`, `o2_support: any but room_air`."""
    if rule is None:
        return ""
    if rule.among is not None:
        return f"{rule.field}: {' | '.join(map(_word, rule.among))}"
    excluded = " | ".join(map(_word, rule.not_among))
    return f"{rule.field}: any but {excluded}" if excluded else f"{rule.field}: any"


def _word(answer: Answer) -> str:
    """Return an answer as the tables spell it."""
    return str(answer).lower() if isinstance(answer, bool) else str(answer)


def _values(field: Field, protocol: Protocol) -> str:
    """Return the choices with their words."""
    words = field.choice_labels.get(protocol.languages[0], {})
    return " | ".join(
        f"{choice}: {words[choice]}" if words.get(choice, choice) != choice else choice
        for choice in field.choices
    )


def _row(*, file: str = "inferences.csv", exported: str = "yes", **rest: Cell) -> tuple[Cell, ...]:
    """Return a row in the order of `HEADER`; what is not given is empty."""
    known: dict[str, Cell] = {"file": file, "exported": exported, **rest}
    return tuple(known.pop(name, None) for name in HEADER)


def _answer(name: str) -> Callable[[Inference], Cell]:
    def cell(inference: Inference) -> Cell:
        answer = inference.form.get(name)
        if name == AGE and isinstance(answer, int | float):
            return min(answer, TOP_AGE)
        return answer if isinstance(answer, str | int | float) else None

    return cell


def _not_done(role: str) -> Callable[[Inference], Cell]:
    def cell(inference: Inference) -> Cell:
        reason = inference.not_done.get(role)
        return reason if reason in NOT_DONE_REASONS else None

    return cell
