"""The one writer: a lock that holds between threads and between processes."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from appliance.core.errors import DatabaseBusy

_POLL_S = 0.001


class WriterLock:
    """Held for a whole transaction or checkpoint, never longer.

    SQLite before 3.51.3 can corrupt a WAL when two connections write and checkpoint at the
    same moment (sqlite.org/wal.html, "The WAL-Reset Bug"); under this lock they never do.
    `flock` belongs to the open file, which the threads of a process share: hence two locks.
    """

    def __init__(self, path: Path, *, timeout_s: float) -> None:
        """Open the lock file, making it if it is absent."""
        self._timeout_s = timeout_s
        self._threads = threading.Lock()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock. Raises DatabaseBusy if others keep it for too long."""
        deadline = time.monotonic() + self._timeout_s
        if not self._threads.acquire(timeout=self._timeout_s):
            raise DatabaseBusy
        try:
            self._lock_file(deadline)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def close(self) -> None:
        """Give the lock file back; nothing was ever written to it that a close could lose."""
        with suppress(OSError):
            os.close(self._file)

    def _lock_file(self, deadline: float) -> None:
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise DatabaseBusy from None
                time.sleep(_POLL_S)
            else:
                return
