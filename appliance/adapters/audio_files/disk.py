"""The calls on which durability rests."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


def _free_bytes(directory: Path) -> int:
    """Return the space left to a process without privileges."""
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


def _n_names(directory: Path) -> int | None:
    """Return how many files may still be made; None where the disk sets no number."""
    found = os.statvfs(directory)
    return found.f_favail if found.f_files else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The calls on which durability rests, so that tests can let each of them fail."""

    open: Callable[[Path, int, int], int] = os.open
    write: Callable[[int, memoryview], int] = os.write
    fsync: Callable[[int], None] = os.fsync
    close: Callable[[int], None] = os.close
    rename: Callable[[Path, Path], None] = os.rename
    free_bytes: Callable[[Path], int] = _free_bytes
    n_names: Callable[[Path], int | None] = _n_names
    now_s: Callable[[], float] = time.time
