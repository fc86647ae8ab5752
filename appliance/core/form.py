"""The answers of a form, held against its protocol: typed JSON of today, texts of 2022."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from appliance.core.errors import FieldError, InvalidForm
from appliance.core.form_field import AlertRange, Field, FieldFormat, Range
from appliance.core.form_values import (
    ABSENT_TEXTS,
    canonical,
    is_clean,
    is_finite,
    read_date,
    read_instant,
    read_text,
    schema_codes,
    tidy,
)
from appliance.core.protocol import Protocol
from appliance.core.protocol_rules import CAPTURED_AT
from appliance.core.protocol_schema import ABSENT_REASON_SUFFIX

MESSAGES: Final[dict[str, str]] = {
    "required": "needs an answer",
    "unknown": "is not a field of this protocol",
    "hidden": "is not asked, given the other answers",
    "empty": "is blank; an absent answer is null or left out",
    "type": "has the wrong type",
    "enum": "is not one of the choices",
    "range": "is outside the range allowed",
    "length": "is too short or too long",
    "pattern": "has characters that are not allowed",
    "format": "is not written as it must be",
    "cid": "is not an ICD-10 code like J96.0",
    "future": "is later than the recording",
    "date-order": "is in the wrong order with another date",
    "unknown-hospital": "is not a hospital of this box",
    "conflict": "is given together with an answer",
}
"""Every code `InvalidForm.errors` may have, and what it means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A vital sign that asks for attention, and the bounds that say so."""

    field: str
    bounds: AlertRange


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftWarning:
    """An implausible answer, to be confirmed and never refused, and the plausible range."""

    field: str
    bounds: Range


def validate_form(
    answers: Mapping[str, object],
    protocol: Protocol,
    *,
    captured_at: datetime,
    hospitals: Collection[str],
) -> dict[str, object]:
    """Return the whole form: every field in protocol order, None where there is no answer.

    A reason for an absent answer follows its field as `<field>_absent_reason`. Defaults are
    filled in unless a reason says why not.

    Args:
        answers: typed, as JSON has them; None is absent.
        protocol: the one they were taken under.
        captured_at: aware; its own calendar day is the last one a date may have.
        hospitals: the names of the list.

    Raises:
        InvalidForm: one error a field, in protocol order; codes are those of `MESSAGES`.
    """
    fields = {field.name: field for field in protocol.fields}
    given = {
        name: tidy(value, fields.get(name)) for name, value in answers.items() if value is not None
    }
    codes = _answer_codes(given, fields, protocol)
    sound = {name: value for name, value in given.items() if name not in codes}
    for name in _hidden(protocol, given, codes):
        for key in (name, name + ABSENT_REASON_SUFFIX):
            if key in given:
                codes[key] = "hidden"
    for field in protocol.fields:
        code = _context_code(field, sound, captured_at=captured_at, hospitals=hospitals)
        if code:
            codes.setdefault(code[0], code[1])
    if codes:
        raise _invalid(codes, protocol)
    return _complete(given, protocol)


def read_legacy_form(
    parts: Mapping[str, str],
    protocol: Protocol,
    *,
    captured_at: datetime,
    hospitals: Collection[str],
) -> dict[str, object]:
    """Return the whole form of a 2022 multipart request, in which every value is a text.

    `undefined`, `null`, `NaN` and the empty text mean absent, whole numbers may end in `.0`,
    dates may be date-times. Unknown fields are ignored and fields not asked are dropped, here
    and only here; then the same rules apply.

    Raises:
        InvalidForm: as `validate_form`.
    """
    answers: dict[str, object] = {}
    for field in protocol.fields:
        if not _asked(field, answers):
            continue
        reason = field.name + ABSENT_REASON_SUFFIX
        if (text := parts.get(field.name, "").strip()) not in ABSENT_TEXTS:
            answers[field.name] = read_text(text, field)
        if (text := parts.get(reason, "").strip()) not in ABSENT_TEXTS:
            answers[reason] = text
    return validate_form(answers, protocol, captured_at=captured_at, hospitals=hospitals)


def alerts(answers: Mapping[str, object], protocol: Protocol) -> tuple[Alert, ...]:
    """Return the vital signs that ask for attention, in protocol order."""
    return tuple(
        Alert(field=field.name, bounds=field.alert_range)
        for field in protocol.fields
        if (value := _number(answers.get(field.name))) is not None
        and field.alert_range.holds(value)
    )


def soft_warnings(answers: Mapping[str, object], protocol: Protocol) -> tuple[SoftWarning, ...]:
    """Return the implausible answers, in protocol order."""
    return tuple(
        SoftWarning(field=field.name, bounds=field.soft_range)
        for field in protocol.fields
        if (value := _number(answers.get(field.name))) is not None
        and not field.soft_range.holds(value)
    )


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def _answer_codes(
    given: Mapping[str, object], fields: Mapping[str, Field], protocol: Protocol
) -> dict[str, str]:
    """Return what is wrong with answers taken one by one: name -> code."""
    codes: dict[str, str] = {}
    for name, value in given.items():
        field = fields.get(name)
        if field is None and name.removesuffix(ABSENT_REASON_SUFFIX) not in fields:
            codes[name] = "unknown"
        elif isinstance(value, str) and value in ABSENT_TEXTS:
            codes[name] = "required" if field is not None and field.required else "empty"
        elif not is_finite(value):
            codes[name] = "type"
        elif not is_clean(value):
            codes[name] = "pattern"
    rest = {name: value for name, value in given.items() if name not in codes}
    for name, code in schema_codes(protocol.form_schema, rest).items():
        is_cid = name in fields and fields[name].format is FieldFormat.CID_10
        codes[name] = "cid" if is_cid and code in {"format", "length"} else code
    return codes


def _asked(field: Field, answers: Mapping[str, object]) -> bool:
    return field.show_if is None or field.show_if.holds(answers)


def _hidden(
    protocol: Protocol, given: Mapping[str, object], codes: Mapping[str, str]
) -> frozenset[str]:
    """Return the fields not asked; what hangs on a faulty answer counts as asked."""
    hidden: set[str] = set()
    for field in protocol.fields:
        if field.show_if is None or field.show_if.field in codes:
            continue
        if field.show_if.field in hidden or not field.show_if.holds(given):
            hidden.add(field.name)
    return frozenset(hidden)


def _context_code(
    field: Field,
    sound: Mapping[str, object],
    *,
    captured_at: datetime,
    hospitals: Collection[str],
) -> tuple[str, str] | None:
    """Return what is wrong with one answer beside the others, as (name, code)."""
    reason = field.name + ABSENT_REASON_SUFFIX
    value = sound.get(field.name)
    if value is None:
        return (field.name, "required") if field.required else None
    if reason in sound:
        return reason, "conflict"
    if field.from_hospitals and value not in hospitals:
        return field.name, "unknown-hospital"
    code = _date_code(field, str(value), sound, captured_at)
    return (field.name, code) if code else None


def _date_code(
    field: Field, text: str, sound: Mapping[str, object], captured_at: datetime
) -> str | None:
    for bound, sign in ((field.not_before, -1), (field.not_after, 1)):
        limit = _limit(bound, field, sound, captured_at)
        if bound is None or limit is None or (_moment(text, field) - limit) * sign <= 0:
            continue
        if bound == CAPTURED_AT and sign > 0:
            return "future"
        return "range" if _is_literal(bound) else "date-order"
    return None


def _limit(
    bound: str | None, field: Field, sound: Mapping[str, object], captured_at: datetime
) -> float | None:
    """Return the bound's moment; None where it is a field without a sound answer."""
    if bound is None:
        return None
    if bound == CAPTURED_AT:
        is_day = field.format is FieldFormat.DATE
        return captured_at.date().toordinal() if is_day else captured_at.timestamp()
    text = bound if _is_literal(bound) else sound.get(bound)
    return None if text is None else _moment(str(text), field)


def _is_literal(bound: str) -> bool:
    """Return whether the bound is a date itself; the name of a field begins with a letter."""
    return bound[0].isdigit()


def _moment(text: str, field: Field) -> float:
    """Return a number that grows with time: days for dates, seconds for instants."""
    if field.format is FieldFormat.DATE:
        return read_date(text).toordinal()
    return read_instant(text).timestamp()


def _complete(given: Mapping[str, object], protocol: Protocol) -> dict[str, object]:
    form: dict[str, object] = {}
    for field in protocol.fields:
        reason = field.name + ABSENT_REASON_SUFFIX
        value = given.get(field.name)
        if value is None and reason not in given and _asked(field, given):
            value = field.default
        form[field.name] = canonical(value, field)
        if reason in given:
            form[reason] = given[reason]
    return form


def _invalid(codes: Mapping[str, str], protocol: Protocol) -> InvalidForm:
    order = {field.name: number for number, field in enumerate(protocol.fields)}

    def place(name: str) -> tuple[int, str]:
        return order.get(name.removesuffix(ABSENT_REASON_SUFFIX), len(order)), name

    return InvalidForm(
        errors=tuple(
            FieldError(field=name, code=codes[name], message=MESSAGES[codes[name]])
            for name in sorted(codes, key=place)
        )
    )
