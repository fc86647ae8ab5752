"""Regular expressions a document may bring: those that mean the same everywhere and never hang."""

from __future__ import annotations

import re
from typing import Final

MAX_CHARACTERS: Final = 128

# A class or a plain character, with an exact count; two groups of these may be optional.
_PART: Final = r"(?:\[[A-Za-z0-9._ -]+\]|[A-Za-z0-9_-])(?:\{[0-9]{1,2}\})?"
_MAX_OPTIONAL: Final = 2
_SIMPLE: Final = re.compile(rf"(?:{_PART}|\((?:{_PART})+\)\??)+")


def is_simple_pattern(pattern: object) -> bool:
    """Return whether it is one of the patterns that documents may bring.

    Only ASCII classes, plain characters, exact counts and at most two optional groups: they mean
    the same in Python and in JavaScript, and no input makes them slow.
    """
    if not isinstance(pattern, str) or len(pattern) > MAX_CHARACTERS:
        return False
    bare = pattern.removeprefix("^").removesuffix("$")
    simple = _SIMPLE.fullmatch(bare) is not None and bare.count("?") <= _MAX_OPTIONAL
    return simple and _compiles(bare)


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True
