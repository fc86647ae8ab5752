"""What is wrong with labelled data: every fault with its file and line, told together."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from appliance.core.errors import FieldError, InvalidRequest

MOST_TOLD: Final = 20
"""Faults told at once; a table with a wrong column would have one a line."""


class Faults:
    """Faults of one source, collected while it is read."""

    def __init__(self) -> None:
        """Begin with none."""
        self._found: list[FieldError] = []

    def add(self, place: Path | str, message: str, *, line: int | None = None, code: str) -> None:
        """Note a fault of a file, or of a line of it, the header being line 1."""
        where = f"{place}, line {line}" if line is not None else str(place)
        self._found.append(FieldError(field=where, code=code, message=message))

    def refuse_any(self) -> None:
        """Raise what was found. Raises InvalidRequest."""
        if not self._found:
            return
        told = tuple(self._found[:MOST_TOLD])
        more = len(self._found) - len(told)
        rest = f"; {more} more are not shown" if more else ""
        raise InvalidRequest(
            f"The labelled recordings are not as they should be: {len(self._found)} fault"
            f"{'s' if len(self._found) > 1 else ''}{rest}.",
            errors=told,
        )


def refused(place: Path | str, *, code: str, message: str) -> InvalidRequest:
    """Return the error of one fault alone."""
    fault = FieldError(field=str(place), code=code, message=message)
    return InvalidRequest("The labelled recordings are not as they should be.", errors=(fault,))
