"""An export described for programs: a Tabular Data Package, version 1 (frictionlessdata.io)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from appliance.core.codebook import HEADER, TABLES
from appliance.core.csv_text import guarded
from appliance.core.export_columns import Column
from appliance.core.form_columns import FormColumn, form_columns
from appliance.core.protocol import Protocol

NAME: Final = "datapackage.json"
CODEBOOK: Final = "codebook.csv"
HASH_PREFIX: Final = "sha256:"

_TYPES: Final[Mapping[str, Mapping[str, str]]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "date"},
    "date-time": {"type": "datetime", "format": "any"},
    "instant": {"type": "datetime", "format": "any"},
    "numbers": {"type": "array"},
}
_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "inferences.csv": ("id",),
    "results.csv": ("id",),
    "recordings.csv": ("inference_id", "id"),
    "consents.csv": ("id",),
}
_OWNER: Final = "inference_id"
_NUMBERS: Final = frozenset({"integer", "number"})


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFile:
    """A file of the export as it lies there."""

    n_bytes: int
    sha256: str


def data_package(
    protocols: Sequence[Protocol],
    written: Mapping[str, WrittenFile],
    *,
    identified: bool = False,
) -> dict[str, Any]:
    """Return the description of the tables: types, units, limits, keys, and each file's digest.

    Args:
        protocols: of the box; their fields are columns of `inferences.csv`.
        written: every table, by its file name.
        identified: what identifies a patient is among the columns.
    """
    described = {file: [_field(one, file) for one in columns] for file, columns in TABLES}
    described["inferences.csv"] += [
        _form_field(one) for one in form_columns(protocols, identified=identified)
    ]
    described[CODEBOOK] = [{"name": name, "type": "string"} for name in HEADER]
    return {
        "profile": "tabular-data-package",
        "name": "spira-export",
        "title": "Export of a SPIRA box",
        "resources": [_resource(file, fields, written[file]) for file, fields in described.items()],
    }


def _resource(file: str, fields: list[dict[str, Any]], written: WrittenFile) -> dict[str, Any]:
    schema: dict[str, Any] = {"fields": fields, "missingValues": [""]}
    if file in _KEYS:
        schema["primaryKey"] = list(_KEYS[file])
    if any(field["name"] == _OWNER for field in fields):
        owner = {"resource": "inferences", "fields": ["id"]}
        schema["foreignKeys"] = [{"fields": [_OWNER], "reference": owner}]
    return {
        "name": file.removesuffix(".csv"),
        "path": file,
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": written.n_bytes,
        "hash": f"{HASH_PREFIX}{written.sha256}",
        "dialect": {"delimiter": ",", "lineTerminator": "\r\n", "doubleQuote": True},
        "schema": schema,
    }


def _field(column: Column[Any], file: str) -> dict[str, Any]:
    is_key = column.name in {*_KEYS[file], _OWNER}
    constraints = {
        **({"required": True} if is_key else {}),
        **({"unique": True} if _KEYS[file] == (column.name,) else {}),
        **_choice(column.values),
    }
    return _described(column.name, column.type, column.meaning, column.unit, constraints)


def _form_field(column: FormColumn) -> dict[str, Any]:
    bounds = {"minimum": column.range.minimum, "maximum": column.range.maximum}
    constraints = {name: bound for name, bound in bounds.items() if bound is not None}
    kind = column.type if column.type in _TYPES else "string"
    if kind not in _NUMBERS:
        constraints = _choice(column.values)
    return _described(column.name, kind, column.meaning, column.unit, constraints)


def _choice(values: Sequence[str]) -> dict[str, Any]:
    """Return the constraint of a text with so many values, as the tables spell them."""
    return {"enum": [guarded(value) for value in values]} if values else {}


def _described(
    name: str, kind: str, meaning: str, unit: str, constraints: dict[str, Any]
) -> dict[str, Any]:
    field = {"name": name, **_TYPES[kind], "description": meaning}
    return {
        **field,
        **({"unit": unit} if unit else {}),
        **({"constraints": constraints} if constraints else {}),
    }
