"""What a library says went wrong, in the one line that a sentence of ours has room for."""

from __future__ import annotations


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or the name of its kind if it says nothing."""
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__
