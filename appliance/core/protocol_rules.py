"""What no schema can say of a protocol document: references, languages, bounds, hashes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, Final, TypeAlias

from appliance.core.consent_text import DEMONSTRATION, SECTIONS, ConsentSection, ConsentText
from appliance.core.errors import FieldError
from appliance.core.ids import Sha256
from appliance.core.patterns import is_simple_pattern
from appliance.core.protocol_schema import ABSENT_REASON_KEY, ABSENT_REASONS, RESERVED

Document: TypeAlias = Mapping[str, Any]
"""A JSON object that `protocol_schema.DOCUMENT_SCHEMA` accepts, or a part of one."""

CAPTURED_AT: Final = "captured_at"
LOINC: Final = "http://loinc.org"

_NUMERIC: Final = frozenset({"integer", "number"})
_NUMERIC_KEYS: Final = ("minimum", "maximum", "x-soft-range", "x-alert-range")
_TEXT_KEYS: Final = ("enum", "minLength", "maxLength", "pattern", "format", "x-options")
_DATE_FORMATS: Final = frozenset({"date", "date-time"})


def faults(document: Document) -> Iterator[FieldError]:
    """Yield everything wrong with a document that its schema accepts."""
    languages = set(document["languages"])
    yield from _form_faults(document["form"], languages)
    yield from _recording_faults(document["recordings"], languages)
    yield from _language_faults("consent", document["consent"], languages)
    for language, text in document["consent"].items():
        yield from _consent_faults(f"consent.{language}", text)


def consent_text(document: Document) -> ConsentText:
    """Return the consent text of its document."""
    return ConsentText(
        version=document["version"],
        sha256=Sha256(document["sha256"]),
        demonstration=document["demonstration"],
        facts=dict(document["facts"]),
        sections=tuple(ConsentSection(**section) for section in document["sections"]),
        purposes=dict(document["purposes"]),
    )


def _fault(field: str, code: str, message: str) -> FieldError:
    return FieldError(field=field, code=code, message=message)


def _language_faults(
    path: str, texts: Mapping[str, object], languages: set[str]
) -> Iterator[FieldError]:
    for language in sorted(languages - set(texts)):
        yield _fault(f"{path}.{language}", "required", "this language of the protocol is missing")
    for language in sorted(set(texts) - languages):
        yield _fault(f"{path}.{language}", "unknown", "not a language of the protocol")


# --- the form ---------------------------------------------------------------------------------


def _form_faults(form: Document, languages: set[str]) -> Iterator[FieldError]:
    fields: Document = form["properties"]
    reason = form["patternProperties"][ABSENT_REASON_KEY]
    yield from _label_faults("form.absent_reason", reason, ABSENT_REASONS, languages)
    for name in form["required"]:
        if name not in fields:
            yield _fault("form.required", "reference", f"{name} is not a field")
        elif "x-show-if" in fields[name]:
            yield _fault(f"form.{name}", "reference", "a required field is always shown")
    earlier: dict[str, Document] = {}
    for name, field in fields.items():
        path = f"form.{name}"
        if name.startswith(RESERVED):
            yield _fault(path, "reserved", f"begins like columns of exports: {', '.join(RESERVED)}")
        yield from _keyword_faults(path, field)
        yield from _label_faults(path, field, _choices(field), languages)
        yield from _range_faults(path, field)
        yield from _code_faults(path, field)
        yield from _show_if_faults(path, field, earlier)
        yield from _date_faults(path, name, field, fields)
        earlier[name] = field


def _choices(field: Document) -> tuple[str, ...]:
    return tuple(field.get("enum", ()))


def _keyword_faults(path: str, field: Document) -> Iterator[FieldError]:
    allowed = {*(_NUMERIC_KEYS if field["type"] in _NUMERIC else ())}
    allowed |= {*(_TEXT_KEYS if field["type"] == "string" else ())}
    for key in (*_NUMERIC_KEYS, *_TEXT_KEYS):
        if key in field and key not in allowed:
            yield _fault(f"{path}.{key}", "keyword", f"does not suit type {field['type']}")
    if "pattern" in field and not is_simple_pattern(field["pattern"]):
        yield _fault(f"{path}.pattern", "pattern", "must be one that every engine reads alike")
    bounded = {"enum", "maxLength", "format", "x-options"} & set(field)
    if field["type"] == "string" and not bounded:
        yield _fault(f"{path}.maxLength", "required", "a free text needs an end")
    if "default" in field and not is_value_of(field, field["default"]):
        yield _fault(f"{path}.default", "type", "is not a value of this field")


def is_value_of(field: Document, value: object) -> bool:
    """Return whether a value has the field's type and is inside its range or choices."""
    types: dict[str, Callable[[object], bool]] = {
        "boolean": lambda v: isinstance(v, bool),
        "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
        "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
        "string": lambda v: isinstance(v, str),
    }
    if not types[field["type"]](value):
        return False
    if isinstance(value, int | float) and field["type"] in _NUMERIC:
        return bool(field.get("minimum", value) <= value <= field.get("maximum", value))
    return value in field.get("enum", [value])


def _label_faults(
    path: str, field: Document, choices: tuple[str, ...], languages: set[str]
) -> Iterator[FieldError]:
    for key in ("x-label", "x-help", "x-enum-labels"):
        if key in field:
            yield from _language_faults(f"{path}.{key}", field[key], languages)
    if choices and "x-enum-labels" not in field:
        yield _fault(f"{path}.x-enum-labels", "required", "each choice needs its words")
    labelled = choices or (("true", "false") if field.get("type") == "boolean" else ())
    for language, labels in field.get("x-enum-labels", {}).items():
        if set(labels) != set(labelled):
            message = "must have words for each choice and for nothing else"
            yield _fault(f"{path}.x-enum-labels.{language}", "enum", message)


def _range_faults(path: str, field: Document) -> Iterator[FieldError]:
    low, high = field.get("minimum"), field.get("maximum")
    soft, alert = field.get("x-soft-range", {}), field.get("x-alert-range", {})
    pairs = (
        ("minimum", low, high),
        ("minLength", field.get("minLength"), field.get("maxLength")),
        ("x-soft-range", soft.get("minimum"), soft.get("maximum")),
        ("x-soft-range", low, soft.get("minimum")),
        ("x-soft-range", soft.get("maximum"), high),
        ("x-alert-range", alert.get("at_most"), alert.get("at_least")),
    )
    for key, smaller, larger in pairs:
        if smaller is not None and larger is not None and smaller > larger:
            yield _fault(f"{path}.{key}", "range", "bounds contradict each other")


def _code_faults(path: str, field: Document) -> Iterator[FieldError]:
    for number, code in enumerate(field.get("x-code", ())):
        if code["system"] == LOINC and not is_loinc(code["code"]):
            message = "the check digit of this LOINC code is wrong"
            yield _fault(f"{path}.x-code.{number}", "check-digit", message)


def is_loinc(code: str) -> bool:
    """Return whether the last digit is the check digit (mod 10) LOINC gives its codes."""
    number, _, check = code.partition("-")
    if not (code.isascii() and number.isdigit() and check.isdigit() and len(check) == 1):
        return False
    doubled = [int(d) * (2 - i % 2) for i, d in enumerate(reversed(number))]
    return (sum(d // 10 + d % 10 for d in doubled) + int(check)) % 10 == 0


def _show_if_faults(
    path: str, field: Document, earlier: Mapping[str, Document]
) -> Iterator[FieldError]:
    rule = field.get("x-show-if")
    if rule is None:
        return
    path = f"{path}.x-show-if"
    if rule["field"] not in earlier:
        yield _fault(path, "reference", "must name a field before this one")
        return
    values = [*rule.get("in", ()), *rule.get("not_in", ())]
    values += [rule["equals"]] if "equals" in rule else []
    if not all(is_value_of(earlier[rule["field"]], value) for value in values):
        yield _fault(path, "type", f"names what is no value of {rule['field']}")


def _date_faults(
    path: str, name: str, field: Document, fields: Mapping[str, Document]
) -> Iterator[FieldError]:
    for key in ("x-not-before", "x-not-after"):
        if key not in field:
            continue
        bound = field[key]
        if field.get("format") not in _DATE_FORMATS:
            yield _fault(f"{path}.{key}", "keyword", "only dates have it")
        elif bound in fields:
            if bound == name or fields[bound].get("format") != field["format"]:
                yield _fault(f"{path}.{key}", "reference", "must name another field of this format")
        elif bound != CAPTURED_AT and not (field["format"] == "date" and _is_date(bound)):
            yield _fault(f"{path}.{key}", "reference", "is no field, captured_at or date")


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


# --- recordings and consent -------------------------------------------------------------------


def _recording_faults(recordings: list[Document], languages: set[str]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for number, task in enumerate(recordings):
        path = f"recordings.{number}"
        if task["role"] in seen:
            yield _fault(f"{path}.role", "duplicate", "this role is there twice")
        seen.add(task["role"])
        for key in ("prompt", "label"):
            yield from _language_faults(f"{path}.{key}", task[key], languages)
        if task.get("stop_after_s", 0) > task["max_s"]:
            yield _fault(f"{path}.stop_after_s", "range", "is longer than max_s")
        for measure, bounds in task["limits"].items():
            if _bounds_contradict(bounds):
                yield _fault(f"{path}.limits.{measure}", "range", "fails before it warns")


def _bounds_contradict(bounds: Document) -> bool:
    below = bounds.get("fail_below"), bounds.get("warn_below")
    above = bounds.get("warn_above"), bounds.get("fail_above", bounds.get("fail_from"))
    return any(
        smaller is not None and larger is not None and smaller > larger
        for smaller, larger in (below, above)
    )


def _consent_faults(path: str, document: Document) -> Iterator[FieldError]:
    text = consent_text(document)
    items = [section.item for section in text.sections]
    for item in SECTIONS:
        if item not in items:
            yield _fault(f"{path}.{item}", "required", "every consent text holds this item")
    for item in {item for item in items if items.count(item) > 1}:
        yield _fault(f"{path}.{item}", "duplicate", "this item is there twice")
    if text.demonstration != (items[0] == DEMONSTRATION) or DEMONSTRATION in items[1:]:
        message = "a demonstration text, and no other, begins by saying that it is one"
        yield _fault(f"{path}.{DEMONSTRATION}", "required", message)
    said = "\n".join(section.text for section in text.sections)
    for fact, words in text.facts.items():
        if words not in said:
            yield _fault(f"{path}.facts.{fact}", "required", "these words are not in the text")
    if text.digest() != text.sha256:
        yield _fault(f"{path}.sha256", "digest", f"the text has the digest {text.digest()}")
