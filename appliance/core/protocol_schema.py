"""What a protocol document looks like, as a JSON Schema: shapes and types, one key at a time.

What no schema can say (references between fields, languages, hashes) is `protocol_rules`.
"""

from __future__ import annotations

from typing import Any, Final

from appliance.core.consent_text import FACTS, PURPOSES, SECTIONS
from appliance.core.patterns import END, SHA256
from appliance.core.quality import ABOVE, BELOW

ABSENT_REASON_SUFFIX: Final = "_absent_reason"
ABSENT_REASON_KEY: Final = "^[a-z][a-z0-9_]*_absent_reason$"
RESERVED: Final = ("form_", "not_done_")
"""What no name of a field begins with: the export names columns of its own so."""

ABSENT_REASONS: Final = ("not_measured", "not_possible", "refused", "not_applicable")

_ID: Final = f"^[a-z][a-z0-9-]{{0,31}}-[0-9]{{4}}[.][0-9]{{1,4}}{END}"
_LANGUAGE: Final = f"^[a-z]{{2,3}}(-[A-Z]{{2}})?{END}"
_NAME: Final = f"^[a-z][a-z0-9_]{{0,47}}{END}"
PROTOCOL_PATTERNS: Final = (_ID, _LANGUAGE, _NAME)
"""Of a protocol's id, its languages, and its fields and roles."""

_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": 20_000}
_NUMBER: Final = {"type": "number"}
_COUNT: Final = {"type": "integer", "minimum": 0, "maximum": 10_000}
_SCALAR: Final = {"type": ["string", "number", "boolean"]}


def _object(
    properties: dict[str, Any], *, required: tuple[str, ...] = (), at_least: int = 0
) -> dict[str, Any]:
    """Return the schema of an object with these keys and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
        "minProperties": at_least,
    }


_BY_LANGUAGE: Final = {
    "type": "object",
    "propertyNames": {"pattern": _LANGUAGE},
    "additionalProperties": _TEXT,
    "minProperties": 1,
}
_LABELS_BY_LANGUAGE: Final = {
    "type": "object",
    "propertyNames": {"pattern": _LANGUAGE},
    "additionalProperties": {"type": "object", "additionalProperties": _TEXT, "minProperties": 1},
}
_CODE: Final = _object({"system": _TEXT, "code": _TEXT}, required=("system", "code"))
_SHOW_IF: Final = _object(
    {
        "field": {"type": "string"},
        "answered": {"const": True},
        "equals": _SCALAR,
        "in": {"type": "array", "items": _SCALAR, "minItems": 1},
        "not_in": {"type": "array", "items": _SCALAR, "minItems": 1},
    },
    required=("field",),
    at_least=2,
) | {"maxProperties": 2}

_FIELD: Final = _object(
    {
        "type": {"enum": ["string", "integer", "number", "boolean"]},
        "enum": {"type": "array", "items": _TEXT, "minItems": 1, "uniqueItems": True},
        "default": _SCALAR,
        "minimum": _NUMBER,
        "maximum": _NUMBER,
        "minLength": _COUNT,
        "maxLength": _COUNT,
        "pattern": {"type": "string", "maxLength": 128},
        "format": {"enum": ["date", "date-time", "cid-10"]},
        "x-unit": _TEXT,
        "x-code": {"type": "array", "items": _CODE, "minItems": 1},
        "x-label": _BY_LANGUAGE,
        "x-help": _BY_LANGUAGE,
        "x-enum-labels": _LABELS_BY_LANGUAGE,
        "x-group": {"enum": ["essentials", "research"]},
        "x-show-if": _SHOW_IF,
        "x-soft-range": _object({"minimum": _NUMBER, "maximum": _NUMBER}, at_least=1),
        "x-alert-range": _object({"at_most": _NUMBER, "at_least": _NUMBER}, at_least=1),
        "x-not-before": {"type": "string"},
        "x-not-after": {"type": "string"},
        "x-options": {"const": "hospitals"},
        "x-identifying": {"type": "boolean"},
        "x-never-to-model": {"type": "boolean"},
    },
    required=("type", "x-label", "x-group"),
)
_ABSENT_REASON: Final = _object(
    {
        "enum": {"const": list(ABSENT_REASONS)},
        "x-label": _BY_LANGUAGE,
        "x-enum-labels": _LABELS_BY_LANGUAGE,
    },
    required=("enum", "x-label", "x-enum-labels"),
)
_FORM: Final = _object(
    {
        "$schema": {"const": "https://json-schema.org/draft/2020-12/schema"},
        "type": {"const": "object"},
        "additionalProperties": {"const": False},
        "required": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "properties": {
            "type": "object",
            "propertyNames": {"pattern": _NAME, "not": {"pattern": ABSENT_REASON_KEY}},
            "additionalProperties": _FIELD,
            "minProperties": 1,
            "maxProperties": 200,
        },
        "patternProperties": _object(
            {ABSENT_REASON_KEY: _ABSENT_REASON}, required=(ABSENT_REASON_KEY,)
        ),
    },
    required=(
        "$schema",
        "type",
        "additionalProperties",
        "required",
        "properties",
        "patternProperties",
    ),
)


def _bounds(measure: str) -> dict[str, Any]:
    """Return the schema of one measure's bounds: only those that have a reason to give."""
    below = ("warn_below", "fail_below") if measure in BELOW else ()
    above = ("warn_above", "fail_above", "fail_from") if measure in ABOVE else ()
    return _object(dict.fromkeys((*below, *above), _NUMBER), at_least=1)


_SECONDS: Final = {"type": "number", "exclusiveMinimum": 0, "maximum": 120}
_RECORDING: Final = _object(
    {
        "role": {"type": "string", "pattern": _NAME},
        "required": {"type": "boolean"},
        "decides": {"type": "boolean"},
        "max_s": _SECONDS,
        "stop_after_s": _SECONDS,
        "stop_after_silence_s": _SECONDS,
        "label": _BY_LANGUAGE,
        "prompt": _BY_LANGUAGE,
        "limits": _object({name: _bounds(name) for name in sorted({*BELOW, *ABOVE})}),
    },
    required=("role", "required", "max_s", "label", "prompt", "limits"),
)
_CONSENT: Final = _object(
    {
        "version": _TEXT,
        "demonstration": {"type": "boolean"},
        "sha256": {"type": "string", "pattern": SHA256},
        "facts": _object(dict.fromkeys(FACTS, _TEXT), required=FACTS),
        "sections": {
            "type": "array",
            "minItems": 1,
            "items": _object(
                {
                    "item": {"enum": ["demonstration", *SECTIONS]},
                    "heading": _TEXT,
                    "text": _TEXT,
                },
                required=("item", "heading", "text"),
            ),
        },
        "purposes": _object(dict.fromkeys(PURPOSES, _TEXT), required=PURPOSES),
    },
    required=("version", "demonstration", "sha256", "facts", "sections", "purposes"),
)

DOCUMENT_SCHEMA: Final = _object(
    {
        "id": {"type": "string", "pattern": _ID},
        "title": {"type": "string", "minLength": 1, "maxLength": 200},
        "languages": {
            "type": "array",
            "items": {"type": "string", "pattern": _LANGUAGE},
            "minItems": 1,
            "uniqueItems": True,
        },
        "form": _FORM,
        "recordings": {"type": "array", "items": _RECORDING, "minItems": 1, "maxItems": 20},
        "consent": {
            "type": "object",
            "propertyNames": {"pattern": _LANGUAGE},
            "additionalProperties": _CONSENT,
            "minProperties": 1,
        },
    },
    required=("id", "title", "languages", "form", "recordings", "consent"),
)
"""The schema of a whole document (2020-12)."""
