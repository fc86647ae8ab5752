"""One answer at a time: from text to its type, to its one spelling, and what it may be."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from jsonschema import Draft202012Validator, FormatChecker

from appliance.core.form_field import Field, FieldFormat, FieldType

ABSENT_TEXTS: Final = frozenset({"", "undefined", "null", "NaN"})
"""What JavaScript makes of an absent value when it is put into a text."""

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_CID_10: Final = re.compile(r"([A-Z][0-9]{2})\.?([0-9])?")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,15}(?:[.,][0-9]{1,15})?")
_DATE_CHARACTERS: Final = 10
_BOOLEANS: Final = {"true": True, "false": False}
_FORMATS: Final = FormatChecker(formats=())
_CODES: Final = {
    "type": "type",
    "enum": "enum",
    "format": "format",
    "minLength": "length",
    "maxLength": "length",
    "pattern": "pattern",
    "minimum": "range",
    "maximum": "range",
}


def read_date(text: str) -> date:
    """Return the day of `YYYY-MM-DD`. Raises ValueError."""
    if not _DATE.fullmatch(text):
        raise ValueError("not a date")
    return date.fromisoformat(text)


def read_instant(text: str) -> datetime:
    """Return the aware UTC instant of an RFC 3339 text with its offset. Raises ValueError."""
    if not _INSTANT.fullmatch(text):
        raise ValueError("not a date-time")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("not in a year that exists") from error


def _is_date(value: object) -> bool:
    return not isinstance(value, str) or bool(read_date(value))


def _is_instant(value: object) -> bool:
    return not isinstance(value, str) or bool(read_instant(value))


def _is_cid_10(value: object) -> bool:
    return not isinstance(value, str) or _CID_10.fullmatch(value) is not None


_FORMATS.checks(FieldFormat.DATE.value, raises=ValueError)(_is_date)
_FORMATS.checks(FieldFormat.DATE_TIME.value, raises=ValueError)(_is_instant)
_FORMATS.checks(FieldFormat.CID_10.value)(_is_cid_10)


def tidy(value: object, field: Field | None) -> object:
    """Return the value as it is judged: no blanks around it, a CID-10 as `J96.0`."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if field is not None and field.format is FieldFormat.CID_10:
        match = _CID_10.fullmatch(text.upper())
        if match:
            return match[1] if match[2] is None else f"{match[1]}.{match[2]}"
    return text


def is_clean(value: object) -> bool:
    """Return whether it is no text with control characters or half characters in it."""
    return not isinstance(value, str) or not any(
        unicodedata.category(character) in {"Cc", "Cs"} for character in value
    )


def is_finite(value: object) -> bool:
    """Return whether it is no float that JSON cannot hold."""
    return not isinstance(value, float) or math.isfinite(value)


def schema_codes(form_schema: Mapping[str, Any], answers: Mapping[str, object]) -> dict[str, str]:
    """Return what the form's JSON Schema has against the answers: name -> code.

    Missing and unknown fields are not its business here. Formats are asserted.
    """
    order = list(_CODES)
    found: dict[str, str] = {}
    for error in Draft202012Validator(form_schema, format_checker=_FORMATS).iter_errors(answers):
        keyword = str(error.validator)
        if keyword not in _CODES:
            continue
        name = str(error.absolute_path[0])
        if name not in found or order.index(keyword) < order.index(found[name]):
            found[name] = keyword
    return {name: _CODES[keyword] for name, keyword in found.items()}


def canonical(value: object, field: Field) -> object:
    """Return a valid answer in its one spelling: whole numbers as int, instants in UTC."""
    if field.type is FieldType.INTEGER and isinstance(value, float):
        return int(value)
    if field.format is FieldFormat.DATE_TIME and isinstance(value, str):
        # Milliseconds and Z, as JavaScript's toISOString writes it.
        instant = read_instant(value).isoformat(timespec="milliseconds")
        return instant.removesuffix("+00:00") + "Z"
    return value


def read_text(text: str, field: Field) -> object:
    """Return the typed value of a text of the 2022 request, or the text if it has no such type."""
    text = text.strip()
    if field.type is FieldType.BOOLEAN:
        return _BOOLEANS.get(text.lower(), text)
    if field.type is not FieldType.STRING:
        if not _NUMBER.fullmatch(text):
            return text
        number = float(text.replace(",", "."))
        return int(number) if number.is_integer() else number
    if field.format is FieldFormat.DATE:
        return _day(text)
    return text


def _day(text: str) -> str:
    """Return the day of a date or of an ISO date-time, as it stands in the text."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return text
    return text[:_DATE_CHARACTERS]
