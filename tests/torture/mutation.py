"""Bytes changed at random, the way files get changed by faults and by people who mean harm."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

Mutator: TypeAlias = Callable[[bytearray, random.Random], None]

INTERESTING: Final = tuple(
    number & 0xFFFF_FFFF
    for number in (
        *range(-2, 5),
        *(2**bits + by for bits in (7, 8, 14, 15, 16, 24, 31, 32) for by in (-1, 0, 1)),
        *(8, 12, 18, 22, 40, 44, 0xFFFE, 11_025, 15_999, 16_000, 48_000, 96_000, 96_001),
    )
)
"""Numbers at which readers of lengths, counts and rates have gone wrong before."""

HEAD_BYTES: Final = 128
"""Where most headers end: half of all changes fall before it."""


def mutated(content: bytes, chance: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """Return the content after one to six changes; `others` lend pieces to it."""
    changed = bytearray(content)
    for _ in range(min(chance.randint(1, 6), chance.randint(1, 6))):
        if others and chance.random() < 0.1:
            _splice(changed, chance, chance.choice(others))
        else:
            chance.choice(MUTATORS)(changed, chance)
    return bytes(changed)


def _flip_bit(content: bytearray, chance: random.Random) -> None:
    """Turn one bit."""
    if content:
        content[place(content, chance)] ^= 1 << chance.randrange(8)


def _set_byte(content: bytearray, chance: random.Random) -> None:
    if content:
        content[place(content, chance)] = chance.choice(
            (0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256))
        )


def _truncate(content: bytearray, chance: random.Random) -> None:
    del content[chance.randint(0, len(content)) :]


def _remove(content: bytearray, chance: random.Random) -> None:
    at = place(content, chance)
    del content[at : at + chance.choice((1, 2, 4, 8, chance.randint(1, 64)))]


def _insert(content: bytearray, chance: random.Random) -> None:
    at = place(content, chance)
    content[at:at] = chance.randbytes(chance.choice((1, 2, 4, 8, chance.randint(1, 64))))


def _repeat(content: bytearray, chance: random.Random) -> None:
    """Let a piece of the file occur a second time, somewhere else."""
    start = place(content, chance)
    piece = content[start : start + chance.choice((8, 24, 26, 48, chance.randint(1, 512)))]
    at = place(content, chance)
    content[at:at] = piece


def _number(content: bytearray, chance: random.Random) -> None:
    """Write a number of two or four bytes, most often where headers have theirs."""
    at = place(content, chance) & ~1
    number = chance.choice(INTERESTING)
    piece = struct.pack("<I", number)[: chance.choice((2, 4))]
    content[at : at + len(piece)] = piece


def _length(content: bytearray, chance: random.Random) -> None:
    """Write the file's own length, or one near it, into a header."""
    at = place(content, chance) & ~1
    near = max(0, len(content) - 8 + chance.choice((0, 0, -1, 1, -36, 36, 8)))
    content[at : at + 4] = struct.pack("<I", near)


def _splice(content: bytearray, chance: random.Random, other: bytes) -> None:
    """Go on with the rest, or a piece, of another file."""
    start = place(other, chance)
    piece = other[start : start + chance.choice((16, 64, len(other)))]
    at = place(content, chance)
    content[at : len(content) if chance.random() < 0.5 else at + len(piece)] = piece


def place(content: bytes | bytearray, chance: random.Random) -> int:
    """Return an offset, in the head as often as in all the rest."""
    end = min(len(content), HEAD_BYTES) if chance.random() < 0.5 else len(content)
    return chance.randrange(end) if end else 0


MUTATORS: Final[tuple[Mutator, ...]] = (
    _flip_bit,
    _set_byte,
    _truncate,
    _remove,
    _insert,
    _repeat,
    _number,
    _number,
    _length,
)
