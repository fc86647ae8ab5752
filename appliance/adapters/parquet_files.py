"""Tables of an export as Parquet, where pyarrow was installed beside the box."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeAlias

from appliance.core.csv_text import unguarded
from appliance.core.errors import ParquetMissing

ROWS_A_GROUP: Final = 10_000

Field: TypeAlias = Mapping[str, Any]
WriteParquet: TypeAlias = Callable[[Path, Path, Sequence[Field]], None]

_READ: Final[Mapping[str, Callable[[str], object]]] = {
    "string": unguarded,
    "integer": int,
    "number": float,
    "boolean": "true".__eq__,
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "array": json.loads,
}


def parquet_writer() -> WriteParquet:
    """Return what writes a table as Parquet. Raises ParquetMissing: pyarrow is not installed."""
    try:
        import pyarrow as pa  # noqa: PLC0415 - an option, by far larger than the box
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as error:
        raise ParquetMissing from error

    types = {
        "string": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "datetime": pa.timestamp("us", tz="UTC"),
        "array": pa.list_(pa.float64()),
    }

    def write(table: Path, target: Path, fields: Sequence[Field]) -> None:
        schema = pa.schema([(field["name"], types[field["type"]]) for field in fields])
        with pq.ParquetWriter(target, schema, compression="zstd") as writer:
            for columns in _groups(table, fields):
                arrays = [pa.array(c, t) for c, t in zip(columns, schema.types, strict=True)]
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema))

    return write


def _groups(table: Path, fields: Sequence[Field]) -> Iterator[list[list[object]]]:
    """Yield the columns of so many rows at a time."""
    kinds = [_READ[field["type"]] for field in fields]
    with table.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, strict=True)
        next(rows)
        while group := list(islice(rows, ROWS_A_GROUP)):
            yield [
                [read(cell) if cell else None for cell in column]
                for read, column in zip(kinds, zip(*group, strict=True), strict=True)
            ]
