"""How much room on the disk which write must leave, so that the least needed is refused first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RESERVE_SHARE: Final = 8
BALLAST_SHARE: Final = 16
"""On a small disk reserve and ballast take no more than this part of it."""

N_NAMES: Final = 64
N_NAMES_FOR_SMALL_WRITES: Final = 16
NAMES_SHARE: Final = 16
"""Files that may still be made; on a disk with few inodes no more than this part of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What is left on a disk for a process without privileges.

    Attributes:
        n_names: how many files may still be made; None where the disk sets no number.
    """

    free_bytes: int
    n_names: int | None = None

    def holds(self, other: Room) -> bool:
        """Return whether so much is left, of both."""
        has_names = self.n_names is None or other.n_names is None or self.n_names >= other.n_names
        return has_names and self.free_bytes >= other.free_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskLevels:
    """Below which room what is refused, each level below the one before.

    Attributes:
        recordings: below, no recording is taken, and no ballast is made.
        growing: below, no inference and no bundle is taken.
        small: below, ballast is given up, so that sign-ins, audit rows and results go on.
        ballast_bytes: how much ballast there is to be.
    """

    recordings: Room
    growing: Room
    small: Room
    ballast_bytes: int


def disk_levels(
    total_bytes: int, n_names: int | None, *, reserve_bytes: int, ballast_bytes: int
) -> DiskLevels:
    """Return the levels of a disk.

    Args:
        total_bytes: of the whole disk.
        n_names: how many files it can hold; None where it sets no number.
        reserve_bytes: what recordings are to leave.
        ballast_bytes: what is to be held for small writes.
    """
    reserve_bytes = min(reserve_bytes, total_bytes // RESERVE_SHARE)
    names = [
        None if n_names is None else min(least, n_names // NAMES_SHARE * least // N_NAMES)
        for least in (N_NAMES, N_NAMES // 2, N_NAMES_FOR_SMALL_WRITES)
    ]
    return DiskLevels(
        recordings=Room(free_bytes=reserve_bytes, n_names=names[0]),
        growing=Room(free_bytes=reserve_bytes // 2, n_names=names[1]),
        # Room for the write-ahead log to be written back, which is what makes it small again.
        small=Room(free_bytes=reserve_bytes // 4, n_names=names[2]),
        ballast_bytes=min(ballast_bytes, total_bytes // BALLAST_SHARE),
    )
