"""Files written once and made durable; the disk's errors in the appliance's words."""

from __future__ import annotations

import errno
import mmap
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

from appliance.core.errors import BundleRefused, DiskFull, FileMissing, StorageFailed

PIECE_BYTES: Final = 1024 * 1024

# A string: `memoryview` takes a type argument only from Python 3.14 on.
Bytes: TypeAlias = "memoryview[int]"

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def writing() -> Iterator[None]:
    """Raise DiskFull or StorageFailed for what the data disk refuses."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull from error
        raise StorageFailed(errno=error.errno) from error


def pieces_of(source: Path, *, max_bytes: int) -> Iterator[bytes]:
    """Yield a file of somewhere else, such as a stick that may be pulled at any byte.

    What claims to be too long is not begun: a sparse file costs a stick nothing, and the copy
    the whole data disk. What turns out to be too long is given up.

    Raises:
        BundleRefused: `container-limits`.
        FileMissing: it is not there, no regular file, or stopped being readable.
    """
    try:
        # Not to wait for the other end of what may be a pipe.
        handle = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise FileMissing(errno=error.errno) from error
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise FileMissing("It is not a regular file.")
        _refuse_long(os.fstat(handle).st_size, max_bytes)
        n_bytes = 0
        while piece := _read(handle):
            n_bytes += len(piece)
            _refuse_long(n_bytes, max_bytes)
            yield piece
    finally:
        os.close(handle)


def write_new(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file that is not there yet, readable by its owner only; not yet durable.

    Raises:
        DiskFull, StorageFailed, and whatever `pieces` raises.
    """
    with writing():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        for piece in pieces:
            _write(handle, piece)
    finally:
        with writing():
            os.close(handle)


def read_back(path: Path) -> bytes:
    """Return what was written to the data disk a moment ago. Raises StorageFailed."""
    with writing():
        return path.read_bytes()


def mapped(path: Path) -> Bytes:
    """Return the bytes of a file without reading it all into memory."""
    with writing(), path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return memoryview(b"")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def sync_tree(directory: Path) -> None:
    """Make every file and directory below it durable, and the files read-only."""
    for path in sorted(directory.iterdir()):
        if path.is_dir():
            sync_tree(path)
        else:
            path.chmod(0o400)
            _sync(path, os.O_RDONLY)
    sync_directory(directory)


def sync_directory(directory: Path) -> None:
    """Make the names in it durable."""
    _sync(directory, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refuse_long(n_bytes: int, max_bytes: int) -> None:
    if n_bytes > max_bytes:
        raise BundleRefused(
            "It is longer than a bundle may be.", reason="container-limits", max_bytes=max_bytes
        )


def _read(handle: int) -> bytes:
    try:
        return os.read(handle, PIECE_BYTES)
    except OSError as error:
        raise FileMissing("Reading it failed half-way.", errno=error.errno) from error


def _write(handle: int, piece: bytes) -> None:
    with writing():
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(handle, rest) :]
