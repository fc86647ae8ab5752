"""A directory that appears whole or not at all: made beside its place, renamed at the end."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from appliance.core.errors import DiskFull, TargetUnwritable

_CHUNK_BYTES: Final = 1024 * 1024
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def whole_directory(target: Path) -> Iterator[Path]:
    """Give a directory beside the target, for its owner alone, and rename it if all went well.

    Whatever is raised inside, Ctrl-C included, leaves nothing behind; a killed process leaves
    a hidden directory beside the target, never half a target.

    Args:
        target: does not exist, or is an empty directory.

    Raises:
        TargetUnwritable, DiskFull.
    """
    with file_faults():
        target.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield building
        with file_faults():
            sync(building)
            building.rename(target)
            _sync_directory(target.parent)
    finally:
        shutil.rmtree(building, ignore_errors=True)


@contextmanager
def file_faults() -> Iterator[None]:
    """Translate what the file system says.

    Raises:
        TargetUnwritable, DiskFull.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull from error
        raise TargetUnwritable(errno=error.errno) from error


def sha256_sums(directory: Path) -> str:
    """Return the lines of `sha256sum` for the files of a directory, by name."""
    return "".join(
        f"{_sha256(path)}  {path.name}\n" for path in sorted(directory.iterdir()) if path.is_file()
    )


def sync(directory: Path) -> None:
    """Bring everything below a directory to disk."""
    for path in sorted(directory.rglob("*"), reverse=True):
        if path.is_dir():
            _sync_directory(path)
        elif path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    _sync_directory(directory)


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
