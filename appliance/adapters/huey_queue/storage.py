"""Where Huey keeps what waits: JSON, never pickle, in a file that is made anew when damaged."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import stat
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

from huey.registry import Message
from huey.serializer import Serializer
from huey.storage import SqliteStorage

from appliance.adapters.huey_queue.bell import Bell

N_WAITING_MAX: Final = 256
"""So many ids are enough to wake every worker, and a worker takes all there is to do."""
_N_ID_CHARACTERS_MAX: Final = 64
_COLUMNS: Final = ("id", "queue", "data", "priority")
_BESIDE: Final = ("", "-wal", "-shm", "-journal")

_log = logging.getLogger(__name__)


class IdSerializer(Serializer):  # type: ignore[misc]
    """A job on disk is one id as JSON: whoever can write the file can do no more than wake."""

    task_name = ""

    def _serialize(self, message: Message) -> bytes:
        return json.dumps(message.args[0]).encode()

    def _deserialize(self, content: bytes | memoryview) -> Message:
        """Return the one task there is. Raises ValueError if it is not an id."""
        result_id = json.loads(bytes(content))
        if not isinstance(result_id, str) or not 0 < len(result_id) <= _N_ID_CHARACTERS_MAX:
            raise ValueError("not an id")
        return Message(id=None, name=self.task_name, args=(result_id,), kwargs={})


class WakingStorage(SqliteStorage):  # type: ignore[misc]
    """Blocks until the bell rings instead of polling; goes on in memory without its file.

    Tasks have no schedule, no revocation and no results here, so Huey's questions for them
    are answered without asking the file.
    """

    blocking = True

    def __init__(self, name: str, *, path: Path, bell: Bell) -> None:
        """Keep the file's name; `open_file` makes it."""
        self._path = path
        self._bell = bell
        self._in_memory: deque[bytes] = deque(maxlen=N_WAITING_MAX)
        self.usable = False
        super().__init__(name, filename=str(path), cache_mb=1, fsync=True, create_tables=False)

    def open_file(self, *, replace: bool) -> None:
        """Make the file (0600) if it is absent, and its tables.

        Args:
            replace: whether a damaged or foreign file is removed first. Only the process that
                serves may do so.

        Raises:
            sqlite3.Error, OSError: there can be no such file.
        """
        if replace and not _is_ours(self._path):
            for suffix in _BESIDE:
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with suppress(FileExistsError):
            os.close(os.open(self._path, flags, 0o600))
        self._path.chmod(0o600)
        self.initialize_schema()
        self.usable = True

    def enqueue(self, content: bytes, priority: float | None = None) -> None:
        """Add an id unless enough of them wait; wake everyone."""
        try:
            if self.queue_size() < N_WAITING_MAX:
                super().enqueue(content, priority)
        finally:
            self._bell.ring()

    def enqueue_in_memory(self, content: bytes) -> None:
        """Add an id without the file; wake everyone."""
        self._in_memory.append(content)
        self._bell.ring()

    def dequeue(self) -> bytes | None:
        """Return the next id; wait a little if there is none."""
        n_rings = self._bell.n_rings
        found = self._next()
        if found is None:
            self._bell.wait(n_rings)
        return found

    def peek_many(self, _keys: Iterable[str]) -> Mapping[str, Any]:
        """Return no revocations."""
        return {}

    def delete_data(self, _key: str) -> bool:
        """Find no revocation to remove."""
        return False

    def read_schedule(self, _now: object) -> list[bytes]:
        """Return no schedule."""
        return []

    def _next(self) -> bytes | None:
        if self._in_memory:
            return self._in_memory.popleft()
        if not self.usable:
            return None
        try:
            found: bytes | None = super().dequeue()
        except sqlite3.Error as error:
            # Until the next wake tries to open it again, ids go through memory.
            self.usable = _is_busy(error)
            _log.warning("queue-not-read", extra={"error_code": error.sqlite_errorname})
            return None
        return found


def is_usable(path: Path) -> bool:
    """Return whether a queue's file is absent, sound or just busy."""
    try:
        return _is_ours(path)
    except sqlite3.Error:
        return True


def _is_ours(path: Path) -> bool:
    """Return whether a file is absent or a sound queue. Raises sqlite3.Error while it is busy."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return False
    except FileNotFoundError:
        return True
    try:
        with closing(sqlite3.connect(path)) as connection:
            sound = connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
            columns = [row[1] for row in connection.execute("PRAGMA table_info(task)")]
    except sqlite3.DatabaseError as error:
        if _is_busy(error):
            raise
        return False
    return sound and tuple(columns) in {(), _COLUMNS}


def _is_busy(error: sqlite3.Error) -> bool:
    """Return whether another process merely holds the file."""
    return error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
