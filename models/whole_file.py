"""Files and directories that appear whole or not at all: made beside their place, then renamed."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from appliance.core.errors import DiskFull, TargetNotEmpty, TargetUnwritable

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def write_whole(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Replace the file by this content; Ctrl-C leaves the old one, or none.

    Raises:
        TargetUnwritable, DiskFull.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    except OSError as error:
        raise write_fault(error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except OSError as error:
        raise write_fault(error) from error
    finally:
        Path(name).unlink(missing_ok=True)


def refuse_used(target: Path) -> None:
    """Refuse what is no new or empty directory.

    Raises:
        TargetNotEmpty: it is a file, or holds something.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise TargetNotEmpty(f"{target.name} is no new or empty directory.")


def write_whole_directory(target: Path, contents: Mapping[str, bytes]) -> None:
    """Make a directory of these files, by path; killed, it leaves no target, and may be run again.

    Raises:
        TargetNotEmpty, TargetUnwritable, DiskFull.
    """
    refuse_used(target)
    target = target.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise write_fault(error) from error
    try:
        for name, content in contents.items():
            write_whole(building / name, content)
        building.chmod(0o755)
        building.rename(target)
    except OSError as error:
        raise write_fault(error) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)


def write_fault(error: OSError) -> DiskFull | TargetUnwritable:
    """Return what to raise where a file could not be written."""
    return DiskFull() if error.errno in _FULL else TargetUnwritable(errno=error.errno)
