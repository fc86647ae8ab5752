"""Regular expressions that mean the same everywhere: ours, and those a document may bring."""

from __future__ import annotations

import re
from typing import Final

END: Final = r"(?![\s\S])"
"""The end of a text in Python and in JavaScript; Python's `$` stands before a last newline too."""

UUID: Final = f"^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}{END}"
SHA256: Final = f"^[0-9a-f]{{64}}{END}"
LANGUAGE_TAG: Final = f"^[A-Za-z]{{2,3}}(-[A-Za-z0-9]{{2,8}})*{END}"
CODE_WORD: Final = f"^[a-z][a-z_]{{0,31}}{END}"
"""A word of a list, like `legal_representative`: without a digit it holds no RGH."""

APP_VERSION: Final = f"^[0-9A-Za-z.+-]{{1,32}}{END}"
"""What a tablet may call its release."""

RELEASE: Final = (
    f"^[0-9]{{1,4}}(\\.[0-9]{{1,4}}){{1,3}}(-(alpha|beta|dev|rc)\\.?[0-9]{{0,4}})?{END}"
)
"""A release like `1.4.0-rc.1`, in which there is room neither for an RGH nor for a name."""

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
