"""One byte range of a whole body (RFC 9110 §14)."""

from __future__ import annotations

import re
from typing import Final

from appliance.core.errors import RangeNotSatisfiable

_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.IGNORECASE)


def read_range(header: str | None, n_bytes: int) -> slice | None:
    """Return the bytes asked for; None for all: no range, several, or another unit.

    Args:
        header: of the request.
        n_bytes: length of the whole.

    Raises:
        RangeNotSatisfiable: it begins beyond the end.
    """
    match = _RANGE.fullmatch((header or "").strip())
    if match is None or match.group(1) == match.group(2) == "":
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, n_bytes - int(last)), n_bytes
        if not int(last):
            raise RangeNotSatisfiable(n_bytes=n_bytes)
    else:
        start, end = int(first), min(int(last) + 1, n_bytes) if last else n_bytes
        if last and int(last) < int(first):
            return None
    if start >= n_bytes:
        raise RangeNotSatisfiable(n_bytes=n_bytes)
    return slice(start, end)
