"""One SQLite file: one writer at a time across processes, no write without its audit row."""

from __future__ import annotations

import logging
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from enum import StrEnum
from pathlib import Path

from appliance.adapters.sqlite_records.chain import append_row
from appliance.adapters.sqlite_records.connections import (
    BUSY_TIMEOUT_S,
    Connection,
    connect,
    connect_reader,
    create_file,
    sync_names,
)
from appliance.adapters.sqlite_records.faults import Latch, translated
from appliance.adapters.sqlite_records.lock import WriterLock
from appliance.adapters.sqlite_records.log_file import log_damage
from appliance.adapters.sqlite_records.migrations import prepare, schema_problems
from appliance.adapters.sqlite_records.seals import damaged_rows, keep_sealed
from appliance.core.audit import AuditEntry
from appliance.core.errors import DiskFull, LogDamaged, StorageFailed
from appliance.core.log_damage import LogDamage
from appliance.ports import DiskSpace

MAX_WAL_BYTES = 4 * 1024 * 1024
"""The WAL is written back and cut when it has grown beyond this and nobody reads."""

MAX_WAL_UNDER_READERS_BYTES = 4 * MAX_WAL_BYTES
READERS_WAITED_FOR_S = 0.5
"""Beyond that, whoever reads now is waited for: somebody may always be reading.

Who begins to read once all is written back reads the file alone and holds nothing up, so the wait
is as long as the longest reading under way, and no write comes in between.
"""

_log = logging.getLogger(__name__)


class Unaudited(StrEnum):
    """The only writes that leave no audit row, each with its reason."""

    AUDIT_ITSELF = "it is an audit row"
    SIGN_IN_COUNT = "counts of failures; the sign-in itself is audited"
    FIRST_SHOWN = "reads of one's own result are not audited (API.md §5)"
    ONE_BY_ONE = "its audit rows are appended in the transaction, one a thing it did"
    EXPIRY = "a token whose time is over is nobody's, with its row or without"
    ROTATION = "it goes on with a sign-in that is audited"
    STANDING = "what a tablet says of itself every minute"
    CLAIM = "who computes a result is bookkeeping; the result is audited"


class Database:
    """The file `records.db` with its lock; may be used from any thread, not across a fork."""

    def __init__(
        self,
        path: Path,
        *,
        on_failure: Callable[[StorageFailed], None] | None = None,
        space: DiskSpace | None = None,
    ) -> None:
        """Open the file, making it if absent, and bring its schema up to date.

        Args:
            path: of the database; `<stem>.lock` lies beside it.
            on_failure: called once when the disk fails; must neither block nor write.
            space: is asked before each write; None where there is nothing to keep free.

        Raises:
            DatabaseUnusable: damaged, another program's, or written by a newer release.
            LogDamaged: opening it would lose what was acknowledged.
            DiskFull, DatabaseBusy, StorageFailed.
        """
        self._path = path
        self._space = space
        self._latch = Latch(on_failure)
        with self._latch.storing():
            self._lock = WriterLock(path.with_suffix(".lock"), timeout_s=BUSY_TIMEOUT_S)
        self._checkpoint_above_bytes = MAX_WAL_BYTES
        self._thread = threading.local()
        self._readers: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._readers_lock = threading.Lock()
        self._make_room(growing=False)
        with ExitStack() as on_error:
            on_error.callback(self._lock.close)
            with self._lock.held(), self._latch.translating(), self._latch.storing():
                create_file(path)
                self.log_cut_short = _is_cut_short(path)
                self._writer = on_error.enter_context(closing(connect(path)))
                prepare(self._writer)
                keep_sealed(self._writer)
                # The log is there by now, and until the last connection is closed. SQLite
                # syncs its name, too, but goes on when that fails.
                sync_names(path.parent)
            on_error.pop_all()

    @contextmanager
    def write(
        self, audit: AuditEntry | Unaudited, *, growing: bool = False
    ) -> Iterator[sqlite3.Connection]:
        """Hold the one write transaction; commit it with its audit row, or change nothing.

        A block that changed nothing leaves no audit row either.

        Args:
            audit: what the write says for itself, or why it says nothing.
            growing: it can come later, and leaves what is left of the disk to the others.

        Raises:
            DiskFull, DatabaseBusy, StorageFailed, DatabaseUnusable.
        """
        with self._lock.held():
            self._latch.refuse_if_failed()
            self._make_room(growing=growing)
            try:
                with self._latch.translating():
                    self._writer.execute("BEGIN IMMEDIATE")
                    n_changes = self._writer.total_changes
                    yield self._writer
                    if isinstance(audit, AuditEntry) and self._writer.total_changes > n_changes:
                        append_row(self._writer, audit)
                with self._latch.committing():
                    self._writer.execute("COMMIT")
            except DiskFull:
                if not growing:
                    self._give_up_ballast()
                raise
            finally:
                self._roll_back()
            if self._wal_bytes() > self._checkpoint_above_bytes:
                self._checkpoint()

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Hold one snapshot; keep it short, since the WAL cannot be cut meanwhile."""
        with self._latch.translating():
            connection = self._reader()
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def refuse_writes(self) -> None:
        """Acknowledge nothing any more: the disk failed for another store."""
        self._latch.close(StorageFailed())

    def close(self) -> None:
        """Write the WAL back and close every connection; nothing may be under way."""
        with self._lock.held():
            self._checkpoint()
            with self._readers_lock:
                for reader in list(self._readers):
                    reader.close()
            with self._latch.translating():
                self._writer.close()
        self._lock.close()

    def integrity_problems(self) -> tuple[str, ...]:
        """Return what SQLite finds wrong with the file; reads all of it."""
        with self.read() as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
            orphans = connection.execute("PRAGMA foreign_key_check").fetchall()
            schema = schema_problems(connection)
        problems = tuple(line for line in found if line != "ok")
        return (*problems, *(f"foreign key of {row[0]} row {row[1]}" for row in orphans), *schema)

    def damaged_rows(self) -> Iterator[tuple[str, str]]:
        """Yield table and id of every row that is not as it was written; reads all of them."""
        with self._latch.translating(), closing(connect_reader(self._path)) as connection:
            yield from damaged_rows(connection)

    def _reader(self) -> Connection:
        reader: Connection | None = getattr(self._thread, "reader", None)
        if reader is None:
            reader = connect_reader(self._path)
            self._thread.reader = reader
            with self._readers_lock:
                self._readers.add(reader)
        return reader

    def _make_room(self, *, growing: bool) -> None:
        """Give up ballast if need be. Raises DiskFull for what can come later."""
        if self._space is not None:
            self._space.admit(growing=growing)

    def _give_up_ballast(self) -> None:
        """Let the next try succeed: the disk was full though it said that there was room."""
        if self._space is not None:
            self._space.give_up()

    def _roll_back(self) -> None:
        if self._writer.in_transaction:
            with self._latch.translating():
                self._writer.execute("ROLLBACK")

    def _wal_bytes(self) -> int:
        try:
            return self._path.with_name(f"{self._path.name}-wal").stat().st_size
        except OSError:
            # Of no interest to whoever just committed; the next write looks again.
            return 0

    def _checkpoint(self) -> None:
        """Write the WAL back and cut it; wait for readers only if it grew long meanwhile.

        Whatever was committed is already on disk, so nothing that happens here is the
        caller's failure; a failed disk closes the latch for those who come next.
        """
        n_bytes = self._wal_bytes()
        wait_s = READERS_WAITED_FOR_S if n_bytes > MAX_WAL_UNDER_READERS_BYTES else 0.0
        self._writer.execute(f"PRAGMA busy_timeout={wait_s * 1000:.0f}")
        try:
            busy = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.Error as error:
            fault = translated(error)
            if isinstance(fault, StorageFailed):
                self._latch.close(fault)
            _log.warning("checkpoint-failed", extra={"sqlite_code": error.sqlite_errorname})
            busy = 1
        finally:
            self._writer.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000:.0f}")
        # After a checkpoint that a reader held up, let some more gather before the next.
        self._checkpoint_above_bytes = n_bytes + MAX_WAL_BYTES // 4 if busy else MAX_WAL_BYTES


def _is_cut_short(path: Path) -> bool:
    """Return whether SQLite will drop the end of the log, which may or may not matter.

    Raises:
        LogDamaged: it matters.
    """
    damage = log_damage(path.with_name(f"{path.name}-wal"))
    if damage is LogDamage.LOST:
        raise LogDamaged
    if damage is LogDamage.POSSIBLE:
        _log.warning("log-cut-short")
    return damage is not None
