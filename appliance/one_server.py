"""The one process that serves a data directory: it holds a lock, and others can see that."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from appliance.core.errors import AlreadyServing, NotInitialised

LOOKS: Final = 10
LOOK_EVERY_S: Final = 0.05
"""A server that starts tries so often: `is_served` holds the lock for an instant, too."""


@contextmanager
def only_server(directory: Path) -> Iterator[None]:
    """Hold the data directory as the one process that serves it.

    The lock is the directory's own and ends with the process, however that ends.

    Raises:
        AlreadyServing: another process holds it.
        NotInitialised: there is no such directory.
    """
    handle = _opened(directory)
    try:
        for _ in range(LOOKS):
            if _locked(handle):
                break
            time.sleep(LOOK_EVERY_S)
        else:
            raise AlreadyServing
        yield
    finally:
        os.close(handle)


def is_served(directory: Path) -> bool:
    """Return whether a process serves the data directory now. Raises NotInitialised."""
    handle = _opened(directory)
    try:
        return not _locked(handle)
    finally:
        os.close(handle)


def _opened(directory: Path) -> int:
    try:
        return os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise NotInitialised from error


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
