"""CSV files of labelled data: rows with their line numbers, labels and answers as values."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.core.csv_text import GUARD
from appliance.core.errors import FileMissing
from models.labelled.faults import Faults, refused

_LABELS: Final[dict[str, bool]] = {
    **dict.fromkeys(("1", "true", "positive", "patient"), True),
    **dict.fromkeys(("0", "false", "negative", "control"), False),
}
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,15}")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,15}[.,][0-9]{1,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table; `line` counts from the header, which is 1."""

    line: int
    cells: Mapping[str, str]


def read_rows(path: Path, *, required: Collection[str], guarded: bool = False) -> tuple[Row, ...]:
    """Return the rows of a CSV divided by commas or semicolons.

    Args:
        path: UTF-8, with or without a byte order mark; the first line names the columns.
        required: columns there must be.
        guarded: it is an export of a box, which puts an apostrophe before some texts.

    Raises:
        FileMissing: it cannot be read.
        InvalidRequest: it is no such table; the error names file and line.
    """
    reader = csv.DictReader(io.StringIO(_text(path)), delimiter=",", strict=True)
    header = reader.fieldnames or ()
    if len(header) == 1 and ";" in header[0]:
        reader = csv.DictReader(io.StringIO(_text(path)), delimiter=";", strict=True)
        header = reader.fieldnames or ()
    missing = [name for name in required if name not in header]
    if missing:
        raise refused(
            f"{path}, line 1",
            code="header",
            message=f"no column {', '.join(missing)}; there are {', '.join(header) or 'none'}",
        )
    faults = Faults()
    rows: list[Row] = []
    try:
        for cells in reader:
            if None in cells or None in cells.values():
                message = "more or fewer cells than the header"
                faults.add(path, message, line=reader.line_num, code="count")
            elif any(cells.values()):
                plain = {name: _plain(text, guarded=guarded) for name, text in cells.items()}
                rows.append(Row(line=reader.line_num, cells=plain))
    except csv.Error as error:
        place = f"{path}, line {reader.line_num}"
        raise refused(place, code="format", message=str(error)) from error
    faults.refuse_any()
    return tuple(rows)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise FileMissing(f"{path} cannot be read.", file=path.name) from error
    except UnicodeDecodeError as error:
        raise refused(path, code="encoding", message="not UTF-8; save it as CSV UTF-8") from error


def _plain(text: str, *, guarded: bool) -> str:
    text = text.strip()
    return text.removeprefix(GUARD) if guarded else text


def read_label(text: str) -> bool | None:
    """Return what a label says: 1, true, positive, patient; 0, false, negative, control."""
    return _LABELS.get(text.lower())


def label_words() -> str:
    """Return the labels there are, for an error."""
    return ", ".join(_LABELS)


def read_answer(text: str) -> object:
    """Return a cell as an answer of the form: whole number, number, truth value or text.

    Truth values are `true` and `false` in small letters, as exports write them: `TRUE` is a code
    of the form's own. An empty cell is None.
    """
    if not text:
        return None
    if text in {"true", "false"}:
        return text == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else text
