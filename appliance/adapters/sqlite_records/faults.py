"""SQLite's errors in the appliance's words, and the latch that a failed disk closes."""

from __future__ import annotations

import errno
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from appliance.adapters.sqlite_records.seals import REFUSAL
from appliance.core.errors import (
    ApplianceError,
    DatabaseBusy,
    DatabaseUnusable,
    DiskFull,
    RecordDamaged,
    StorageFailed,
)

_PRIMARY = 0xFF
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_SCHEMA_FAULT = re.compile(r"no such (table|column|index|function)|has no column named|malformed")
"""What a statement of ours meets in a damaged schema alone."""

_UNDECODABLE = "Could not decode to UTF-8"
_FAULTS: dict[int, type[ApplianceError]] = {
    sqlite3.SQLITE_FULL: DiskFull,
    sqlite3.SQLITE_BUSY: DatabaseBusy,
    sqlite3.SQLITE_LOCKED: DatabaseBusy,
    sqlite3.SQLITE_IOERR: StorageFailed,
    sqlite3.SQLITE_CORRUPT: DatabaseUnusable,
    sqlite3.SQLITE_NOTADB: DatabaseUnusable,
    sqlite3.SQLITE_CANTOPEN: DatabaseUnusable,
    sqlite3.SQLITE_READONLY: DatabaseUnusable,
    sqlite3.SQLITE_PERM: DatabaseUnusable,
}
"""Primary result codes (sqlite.org/rescode.html); any other is a fault of this program."""


def translated(error: sqlite3.Error) -> ApplianceError | None:
    """Return what the error means to the appliance; None if it is a fault of this program."""
    code = getattr(error, "sqlite_errorcode", None)
    if _is_damage(error, code):
        return RecordDamaged()
    if code == sqlite3.SQLITE_IOERR_SHMSIZE:
        # Only the index of the write-ahead log, which is no promise, found no room to grow.
        return DiskFull(sqlite_code=error.sqlite_errorname)
    leaf = _FAULTS.get(code & _PRIMARY) if code is not None else None
    if code == sqlite3.SQLITE_ERROR and _SCHEMA_FAULT.search(str(error)):
        leaf = DatabaseUnusable
    return leaf(sqlite_code=error.sqlite_errorname) if leaf else None


def _is_damage(error: sqlite3.Error, code: int | None) -> bool:
    """Return whether a row is damaged: a trigger said so, or a text of it is no text any more.

    The module itself says the latter, without a code (and with the text, which goes nowhere).
    """
    if code == sqlite3.SQLITE_CONSTRAINT_TRIGGER:
        return str(error).startswith(REFUSAL)
    return code is None and str(error).startswith(_UNDECODABLE)


class Latch:
    """Closes for good when the disk fails: a failed fsync may be forgotten by the next one.

    The kernel may mark pages clean whose writing failed, so trying again proves nothing (LWN
    752063, "PostgreSQL's fsync() surprise"). The process has to leave and read the disk anew.
    """

    def __init__(self, on_failure: Callable[[StorageFailed], None] | None) -> None:
        """Stay open until something fails.

        Args:
            on_failure: called once, in the thread that met the failure; must neither block
                nor write.
        """
        self._on_failure = on_failure
        self._failure: StorageFailed | None = None

    def refuse_if_failed(self) -> None:
        """Raise StorageFailed if the disk failed before."""
        if self._failure is not None:
            raise StorageFailed("The disk failed before; nothing more is acknowledged.")

    def close(self, failure: StorageFailed) -> None:
        """Refuse every write from now on."""
        first = self._failure is None
        self._failure = self._failure or failure
        if first and self._on_failure is not None:
            self._on_failure(failure)

    @contextmanager
    def translating(self) -> Iterator[None]:
        """Raise SQLite's errors as leaves of the appliance; close the latch if the disk failed."""
        try:
            yield
        except sqlite3.Error as error:
            fault = translated(error)
            if isinstance(fault, StorageFailed):
                self.close(fault)
            if fault is None:
                raise
            raise fault from error
        except UnicodeDecodeError as error:
            # What SQLite had to say quoted a damaged schema.
            raise DatabaseUnusable from error

    @contextmanager
    def committing(self) -> Iterator[None]:
        """Like `translating`, for a COMMIT: whatever is not surely harmless is a failed disk."""
        try:
            yield
        except sqlite3.Error as error:
            fault = translated(error)
            if not isinstance(fault, DiskFull | DatabaseBusy):
                fault = StorageFailed("A commit failed.", sqlite_code=error.sqlite_errorname)
                self.close(fault)
            raise fault from error

    @contextmanager
    def storing(self) -> Iterator[None]:
        """Raise what the system says of files beside SQLite's own; a failed disk closes it."""
        try:
            yield
        except OSError as error:
            if error.errno in _FULL:
                raise DiskFull from error
            failure = StorageFailed(errno=errno.errorcode.get(error.errno or 0, "unknown"))
            self.close(failure)
            raise failure from error
