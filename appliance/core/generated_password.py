"""A password nobody chose: easy to type from a slip of paper, hopeless to guess."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"
"""32 characters none of which looks like another in common type (no l, o, 0, 1)."""

N_GROUPS: Final = 4
N_CHARACTERS_A_GROUP: Final = 4


def generated_password(choose: Callable[[str], str]) -> str:
    """Return four groups of four characters: 80 bits.

    Args:
        choose: picks one of the characters it is given, from a cryptographic source.
    """
    groups = (
        "".join(choose(ALPHABET) for _ in range(N_CHARACTERS_A_GROUP)) for _ in range(N_GROUPS)
    )
    return "-".join(groups)
