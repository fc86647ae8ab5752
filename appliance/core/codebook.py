"""The codebook of an export: every column, what it means and which values it takes.

Made from the installed protocols, so that a new protocol explains itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from appliance.core.csv_text import Cell
from appliance.core.export_columns import Column
from appliance.core.export_recordings import RECORDINGS
from appliance.core.export_tables import CONSENTS, INFERENCES, RESULTS
from appliance.core.form_columns import (
    AGE,
    NOT_DONE,
    TOP_AGE,
    column_name,
    field_type,
    kept_back,
)
from appliance.core.form_field import Answer, Field, ShowIf
from appliance.core.protocol import Protocol
from appliance.core.protocol_schema import ABSENT_REASON_SUFFIX, ABSENT_REASONS
from appliance.core.submission import NOT_DONE_REASONS

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


def codebook_rows(
    protocols: Sequence[Protocol], *, identified: bool = False
) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows of the codebook: fixed columns, then each field of each protocol.

    Args:
        protocols: all that inferences may have been taken under.
        identified: what identifies a patient is exported, too.
    """
    left_out = kept_back(protocols, identified=identified)
    for file, columns in TABLES:
        for column in columns:
            yield _row(
                file=file,
                column=column.name,
                type=column.type,
                unit=column.unit,
                meaning=column.meaning,
                values=" | ".join(column.values),
            )
        if columns is INFERENCES:
            for protocol in protocols:
                yield from _protocol_rows(protocol, left_out, top_age=not identified)


def _protocol_rows(
    protocol: Protocol, left_out: Mapping[str, str], *, top_age: bool
) -> Iterator[tuple[Cell, ...]]:
    for field in protocol.fields:
        reason = left_out.get(field.name, "")
        exported = f"no: {reason}" if reason else "yes"
        yield _field_row(field, protocol, exported=exported, top_age=top_age)
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
            column=NOT_DONE + task.role,
            type="string",
            meaning=f"why {task.role} was not recorded",
            values=" | ".join(sorted(NOT_DONE_REASONS)),
            protocol=protocol.id,
        )


def _field_row(
    field: Field, protocol: Protocol, *, exported: str, top_age: bool
) -> tuple[Cell, ...]:
    language = protocol.languages[0]
    older = f" ({TOP_AGE}: or more)" if field.name == AGE and top_age else ""
    return _row(
        column=column_name(field.name),
        type=field_type(field),
        unit=field.unit,
        meaning=field.labels[language] + older,
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
