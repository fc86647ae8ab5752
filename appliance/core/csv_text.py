"""CSV as RFC 4180 has it, that a spreadsheet cannot take for a formula."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, TypeAlias

Cell: TypeAlias = str | int | float | bool | datetime | tuple[float, ...] | None

GUARD: Final = "'"
"""Put before a text that a spreadsheet would compute, and before one that begins with itself."""

# Where formulas begin (OWASP, CSV injection), the full-width forms included; the guard is
# guarded too, so that taking one away always gives the text back.
_GUARDED: Final = frozenset("=+-@\t\r\n\0\uff1d\uff0b\uff0d\uff20" + GUARD)
# The semicolon and the tab divide columns where the decimal comma is at home.
_QUOTED: Final = frozenset('",;\t\r\n\0' + GUARD)


def csv_row(cells: Iterable[Cell]) -> str:
    """Return one line, CR LF at its end.

    Texts are guarded against formulas; numbers stay numbers; None is empty, instants are
    ISO 8601 in UTC, lists of numbers JSON.

    Raises:
        ValueError: a number is not finite, or an instant has no time zone.
    """
    return ",".join(_quoted(_text(cell)) for cell in cells) + "\r\n"


def guarded(text: str) -> str:
    """Return the text as a spreadsheet may see it: one `'` before what could be computed."""
    return GUARD + text if text[:1] in _GUARDED and text else text


def delimiter_of(text: str) -> str:
    """Return what divides the columns of a spreadsheet's text: a comma or a semicolon."""
    header = text.partition("\n")[0]
    return ";" if header.count(";") > header.count(",") else ","


def unguarded(text: str) -> str:
    """Return the text that `guarded` was given."""
    return text.removeprefix(GUARD)


def plain_text(cell: Cell) -> str:
    """Return the cell as text, neither guarded nor quoted; None is empty.

    Raises:
        ValueError: as `csv_row`.
    """
    match cell:
        case None:
            return ""
        case bool() | int():
            return str(cell).lower()
        case float():
            return _number(cell)
        case datetime():
            return _instant(cell)
        case tuple():
            return json.dumps([float(_number(number)) for number in cell])
        case str():
            return cell


def _text(cell: Cell) -> str:
    """Return the cell as text, before quoting."""
    return guarded(cell) if isinstance(cell, str) else plain_text(cell)


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError("a number that is not finite has no place in a table")
    return repr(value)


def _instant(at: datetime) -> str:
    if at.tzinfo is None:
        raise ValueError("an instant without a time zone has no place in a table")
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _quoted(text: str) -> str:
    if _QUOTED.isdisjoint(text):
        return text
    return '"' + text.replace('"', '""') + '"'
