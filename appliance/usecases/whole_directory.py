"""A directory that appears whole or not at all, also where its place was prepared for it.

Where nothing is, it is made beside its place and renamed. A prepared place (empty: a mount point,
the service's own directory below one of root's, the target of a link) cannot be renamed over: there
it is made in a hidden child, and its entries move up, one of them last: the marker, without which
nothing is taken for whole.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from appliance.core.errors import DiskFull, TargetNotEmpty, TargetUnwritable

MOVING: Final = ".moving"
"""In a directory that is being made: the names of what moves up, written before the first moves."""

_CHUNK_BYTES: Final = 1024 * 1024
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_FILE_SYSTEM_S_OWN: Final = frozenset({"lost+found"})
_OWNER_ALONE: Final = 0o700


@contextmanager
def whole_directory(target: Path, *, marker: str) -> Iterator[Path]:
    """Give a directory, for its owner alone, that becomes the target if all went well.

    Whatever is raised inside, Ctrl-C included, leaves nothing behind. A killed process leaves no
    marker, and what it leaves is removed by the next call for the same target.

    Args:
        target: does not exist, or is an empty directory, or a link to one.
        marker: the file inside that makes the directory whole.

    Raises:
        TargetNotEmpty: something is there, or another process is just making it.
        TargetUnwritable, DiskFull.
    """
    with file_faults():
        target = Path(os.path.realpath(target))
        prepared = target.is_dir()
        place = target if prepared else target.parent
        place.mkdir(parents=True, exist_ok=True)
        prefix = f".{target.name}-building-"
        for beside in (target.parent, target):
            _remove_leftovers(beside, prefix)
        if target.exists():
            _refuse_used(target)
            target.chmod(_OWNER_ALONE)
        building = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
    try:
        with _held(building):
            yield building
            with file_faults():
                if prepared:
                    _move_up(building, target, marker)
                else:
                    _move_over(building, target)
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


def sha256_sums(directory: Path, *, known: Mapping[str, str]) -> str:
    """Return the lines of `sha256sum` for the files below a directory, by path.

    Args:
        directory: what is read.
        known: path below it -> the digest, of files which need not be read again.
    """
    found = (path for path in sorted(directory.rglob("*")) if path.is_file())
    names = ((path, path.relative_to(directory).as_posix()) for path in found)
    return "".join(f"{known.get(name) or file_sha256(path)}  {name}\n" for path, name in names)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file of any length, in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def sync(directory: Path) -> None:
    """Bring everything below a directory to disk."""
    for path in sorted(directory.rglob("*"), reverse=True):
        if path.is_dir():
            sync_directory(path)
        elif path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    sync_directory(directory)


def write_new_file(target: Path, text: str, *, mode: int = 0o666) -> None:
    """Write a file that is not there yet: whole and durable, or not at all.

    Args:
        target: where nothing may be.
        text: what it is to hold, in UTF-8.
        mode: its permissions, before the umask.

    Raises:
        TargetNotEmpty, TargetUnwritable, DiskFull.
    """
    with file_faults():
        if os.path.lexists(target):
            raise TargetNotEmpty(f"{target} exists.")
        aside = target.with_name(f".{target.name}-{secrets.token_hex(8)}")
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            aside.rename(target)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        sync_directory(target.absolute().parent)


def sync_directory(directory: Path) -> None:
    """Bring the names in a directory to disk."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refuse_used(target: Path) -> None:
    if not target.is_dir() or {path.name for path in target.iterdir()} - _FILE_SYSTEM_S_OWN:
        raise TargetNotEmpty


def _move_over(building: Path, target: Path) -> None:
    """Give what was made its name; if that cannot be made durable, take the name back."""
    sync(building)
    building.rename(target)
    try:
        sync_directory(target.parent)
    except BaseException:
        target.rename(building)
        raise


def _move_up(building: Path, target: Path, marker: str) -> None:
    """Move what was made to where it belongs, the marker last; if that fails, remove it again."""
    names = sorted((path.name for path in building.iterdir()), key=lambda name: name == marker)
    journal = building / MOVING
    journal.write_text("\n".join(names), encoding="utf-8")
    sync(building)
    try:
        for name in names:
            if name == marker:
                sync_directory(target)
            (building / name).rename(target / name)
        sync_directory(target)
    except BaseException:
        _take_back(target, names)
        raise


def _take_back(target: Path, names: list[str]) -> None:
    """Remove what was moved up, the marker first."""
    for name in reversed(names):
        _remove(target / name)


def _remove_leftovers(place: Path, prefix: str) -> None:
    """Remove what a killed process left of its making (there are keys in it)."""
    if not os.access(place, os.R_OK | os.W_OK | os.X_OK):
        return
    for left in sorted(path for path in place.iterdir() if path.name.startswith(prefix)):
        with _held(left):
            journal = left / MOVING
            names = journal.read_text(encoding="utf-8").split("\n") if journal.is_file() else []
            # With its marker it is whole: the process was killed when only tidying up was left.
            if names and not (place / names[-1]).exists():
                _take_back(place, names)
            shutil.rmtree(left)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _held(building: Path) -> Iterator[None]:
    """Hold a directory as the process that is making it; the lock ends with the process.

    Raises:
        TargetNotEmpty: another process is making it.
    """
    with file_faults():
        handle = os.open(building, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TargetNotEmpty("Another process is just making it.") from error
        yield
    finally:
        os.close(handle)
