"""A file that appears whole or not at all: written beside its place, renamed at the end."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from appliance.core.errors import DiskFull, TargetUnwritable

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
        raise _translated(error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except OSError as error:
        raise _translated(error) from error
    finally:
        Path(name).unlink(missing_ok=True)


def _translated(error: OSError) -> DiskFull | TargetUnwritable:
    return DiskFull() if error.errno in _FULL else TargetUnwritable(errno=error.errno)
