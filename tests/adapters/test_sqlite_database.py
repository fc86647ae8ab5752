"""What only a real database file can get wrong: settings, locks, faults and growth."""

from __future__ import annotations

import fcntl
import os
import resource
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.adapters.sqlite_records import SqliteRecords, open_records
from appliance.adapters.sqlite_records.database import (
    MAX_WAL_BYTES,
    MAX_WAL_UNDER_READERS_BYTES,
    Unaudited,
)
from appliance.adapters.sqlite_records.faults import Latch, translated
from appliance.adapters.sqlite_records.lock import WriterLock
from appliance.adapters.sqlite_records.migrations import APPLICATION_ID
from appliance.core.audit import AuditAction, first_break
from appliance.core.errors import (
    ApplianceError,
    AuditBroken,
    DatabaseBusy,
    DatabaseUnusable,
    DiskFull,
    NameTaken,
    StorageFailed,
)
from appliance.core.ids import HospitalId
from appliance.core.throttle import FREE_FAILURES_PER_PAIR, throttle_keys
from tests.builders import NOON, a_hospital, an_audit
from tests.fakes_io import FakeDiskSpace

SCHEMA = Path(__file__).parents[1] / "snapshots" / "schema.sql"


@pytest.fixture
def records(tmp_path: Path) -> Iterator[SqliteRecords]:
    """Empty records."""
    opened = open_records(tmp_path / "records.db")
    yield opened
    opened.close()


def add_hospital(records: SqliteRecords, number: int) -> None:
    """Add a hospital of that number."""
    hospital = a_hospital(id=HospitalId(f"hospital-{number}"), name=f"Hospital {number}")
    records.hospitals.add_hospital(hospital, audit=an_audit(AuditAction.HOSPITAL_ADDED))


def wal_bytes(tmp_path: Path) -> int:
    """Return the size of the write-ahead log."""
    return (tmp_path / "records.db-wal").stat().st_size


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("busy_timeout", 5000),
        ("secure_delete", 1),
        ("trusted_schema", 0),
        ("cell_size_check", 1),
        ("mmap_size", 0),
        ("wal_autocheckpoint", 0),
        ("recursive_triggers", 1),
        ("application_id", APPLICATION_ID),
    ],
)
def test_every_connection_has_its_settings(
    records: SqliteRecords, setting: str, value: str | int
) -> None:
    """The writer and each reader are set up alike."""
    with records.database.write(Unaudited.CLAIM) as writer:
        found = writer.execute(f"PRAGMA {setting}").fetchone()
        assert found is None or found[0] == value
    with records.database.read() as reader:
        found = reader.execute(f"PRAGMA {setting}").fetchone()
        assert found is None or found[0] == value


def test_nobody_else_can_read_the_files(records: SqliteRecords, tmp_path: Path) -> None:
    """Database, log and lock belong to their owner alone, whatever the umask."""
    add_hospital(records, 1)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert set(modes) == {"records.db", "records.db-wal", "records.db-shm", "records.lock"}
    assert set(modes.values()) == {0o600}


def test_the_schema_is_the_one_on_record(records: SqliteRecords) -> None:
    """A change of schema shows in the diff; UPDATE_SNAPSHOTS=1 writes it anew."""
    with records.database.read() as connection:
        rows = connection.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE '!_%' ESCAPE '!'"
            " ORDER BY rowid"
        )
        found = "".join(f"{row['sql']};\n" for row in rows)
    if os.environ.get("UPDATE_SNAPSHOTS"):
        SCHEMA.write_text(found)
    assert found == SCHEMA.read_text()


def test_every_table_is_strict(records: SqliteRecords) -> None:
    """But the migrations' own, which are not ours."""
    with records.database.read() as connection:
        rows = connection.execute("SELECT name FROM pragma_table_list WHERE strict = 0").fetchall()
    assert {row["name"] for row in rows if not row["name"].startswith(("_", "sqlite_"))} == set()


def test_opening_again_changes_nothing(records: SqliteRecords, tmp_path: Path) -> None:
    """Migrations run once; what was stored is there."""
    add_hospital(records, 1)
    again = open_records(tmp_path / "records.db")
    assert again.hospitals.hospitals() == records.hospitals.hospitals()
    assert again.sqlite_version == sqlite3.sqlite_version
    assert again.integrity_problems() == ()
    again.close()


def test_closing_leaves_one_file_and_its_lock(tmp_path: Path) -> None:
    """After an orderly stop everything is in the database itself."""
    opened = open_records(tmp_path / "records.db")
    add_hospital(opened, 1)
    opened.close()
    assert {path.name for path in tmp_path.iterdir()} == {"records.db", "records.lock"}


def test_a_newer_release_s_database_is_refused(tmp_path: Path) -> None:
    """A migration we do not know means that we do not know what the rows mean."""
    open_records(tmp_path / "records.db").close()
    with sqlite3.connect(tmp_path / "records.db") as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('records', '9999_from_the_future', '')"
        )
    connection.close()
    with pytest.raises(DatabaseUnusable, match="newer release"):
        open_records(tmp_path / "records.db")


def test_another_program_s_database_is_refused(tmp_path: Path) -> None:
    """Nothing is written into it."""
    connection = sqlite3.connect(tmp_path / "records.db")
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = (tmp_path / "records.db").read_bytes()
    with pytest.raises(DatabaseUnusable, match="not a database of the appliance"):
        open_records(tmp_path / "records.db")
    assert (tmp_path / "records.db").read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """Damage is named, not repaired."""
    (tmp_path / "records.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(DatabaseUnusable):
        open_records(tmp_path / "records.db")


def test_a_write_that_raised_changed_nothing(records: SqliteRecords) -> None:
    """Neither row nor audit row stay, whatever was raised."""
    add_hospital(records, 1)

    def fail_halfway() -> None:
        with records.database.write(an_audit()) as connection:
            connection.execute("DELETE FROM hospitals")
            raise NameTaken

    with pytest.raises(NameTaken):
        fail_halfway()
    assert len(records.hospitals.hospitals()) == 1
    assert records.audit.head()[0] == 1
    add_hospital(records, 2)


def test_a_full_disk_loses_nothing(records: SqliteRecords) -> None:
    """DiskFull is raised, what was acknowledged stays, and with space again writes go on."""
    with records.database.write(Unaudited.CLAIM) as connection:
        n_pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={n_pages + 4}")

    def fill() -> None:
        for number in range(100_000):
            add_hospital(records, number)
            promised.append(number)

    promised: list[int] = []
    with pytest.raises(DiskFull):
        fill()
    acknowledged = len(promised)
    assert len(records.hospitals.hospitals()) == acknowledged > 0
    assert records.audit.head()[0] == acknowledged
    with records.database.write(Unaudited.CLAIM) as connection:
        connection.execute("PRAGMA max_page_count=100000")
    add_hospital(records, acknowledged)
    assert records.integrity_problems() == ()


def test_after_a_failed_disk_nothing_more_is_acknowledged(tmp_path: Path) -> None:
    """The process is told once; writes are refused even when the disk works again."""
    told: list[StorageFailed] = []
    records = open_records(tmp_path / "records.db", on_failure=told.append)
    add_hospital(records, 0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A write beyond this size fails, and not for want of space: to SQLite an I/O error.
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal_bytes(tmp_path), hard))
    try:
        with pytest.raises(StorageFailed):
            add_hospital(records, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    for number in (2, 3):
        with pytest.raises(StorageFailed):
            add_hospital(records, number)
    assert len(told) == 1
    assert len(records.hospitals.hospitals()) == 1
    records.close()


def test_a_lock_that_cannot_be_opened_is_a_failed_disk(tmp_path: Path) -> None:
    """What is not SQLite's own file fails by name, too, and tells the process."""
    (tmp_path / "records.lock").mkdir()
    told: list[StorageFailed] = []

    with pytest.raises(StorageFailed) as caught:
        open_records(tmp_path / "records.db", on_failure=told.append)

    assert caught.value.details["errno"] == "EISDIR"
    assert told == [caught.value]


@pytest.mark.parametrize(
    ("code", "leaf"),
    [
        (sqlite3.SQLITE_FULL, DiskFull),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, DatabaseBusy),
        (sqlite3.SQLITE_LOCKED, DatabaseBusy),
        (sqlite3.SQLITE_IOERR_FSYNC, StorageFailed),
        (sqlite3.SQLITE_IOERR_SHMSIZE, DiskFull),
        (sqlite3.SQLITE_CORRUPT_INDEX, DatabaseUnusable),
        (sqlite3.SQLITE_NOTADB, DatabaseUnusable),
        (sqlite3.SQLITE_READONLY_DBMOVED, DatabaseUnusable),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, None),
        (sqlite3.SQLITE_ERROR, None),
    ],
)
def test_an_error_of_sqlite_has_a_name(code: int, leaf: type[ApplianceError] | None) -> None:
    """Extended codes count as their primary one; a fault of the program stays what it is."""
    found = translated(sqlite_error(code))
    assert (type(found) if found else None) is leaf


def test_a_commit_that_fails_closes_the_latch() -> None:
    """Unless the disk was full or the database busy: those leave nothing in doubt."""
    latch = Latch(None)
    with pytest.raises(DiskFull), latch.committing():
        raise sqlite_error(sqlite3.SQLITE_FULL)
    latch.refuse_if_failed()
    with pytest.raises(StorageFailed), latch.committing():
        raise sqlite_error(sqlite3.SQLITE_CORRUPT)
    with pytest.raises(StorageFailed):
        latch.refuse_if_failed()


def sqlite_error(code: int) -> sqlite3.OperationalError:
    """Return an error as SQLite would raise it."""
    error = sqlite3.OperationalError()
    error.sqlite_errorcode = code
    error.sqlite_errorname = f"SQLITE_{code}"
    return error


def test_the_lock_holds_against_another_process(tmp_path: Path) -> None:
    """Whoever cannot have it in time is told to try again; afterwards it is free."""
    lock = WriterLock(tmp_path / "records.lock", timeout_s=0.05)
    with (tmp_path / "records.lock").open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(DatabaseBusy), lock.held():
            pytest.fail("held by another")
    with lock.held(), pytest.raises(DatabaseBusy), lock.held():
        pytest.fail("held by this very thread")
    lock.close()


def test_threads_write_one_after_the_other(records: SqliteRecords) -> None:
    """Eight threads lose nothing, and the chain holds."""

    def work(first: int) -> None:
        for number in range(first, first + 10):
            add_hospital(records, number)

    threads = [threading.Thread(target=work, args=(10 * n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(records.hospitals.hospitals()) == 80
    assert first_break(records.audit.rows()) is None
    assert records.audit.head()[0] == 80


def test_the_log_stays_small(records: SqliteRecords, tmp_path: Path) -> None:
    """However much is written, it is written back and cut."""
    largest = 0
    for batch in range(100):
        with records.database.write(an_audit()) as connection:
            connection.executemany(
                "INSERT INTO hospitals (id, name, folded_name, created_at) VALUES (?1, ?1, ?1, '')",
                [(f"{number:02}-{batch:03}-{'x' * 100}",) for number in range(100)],
            )
        largest = max(largest, wal_bytes(tmp_path))
    assert MAX_WAL_BYTES // 2 < largest < MAX_WAL_BYTES + 1024 * 1024


def test_a_long_reader_holds_up_no_writer(records: SqliteRecords, tmp_path: Path) -> None:
    """The log grows meanwhile, and is cut once the reader has left."""
    with records.database.read() as connection:
        connection.execute("SELECT count(*) FROM hospitals").fetchone()
        while wal_bytes(tmp_path) < 2 * MAX_WAL_BYTES:
            with records.database.write(an_audit()) as writer:
                writer.executemany(
                    "INSERT INTO hospitals (id, name, folded_name, created_at)"
                    " VALUES (hex(randomblob(200)), '', hex(randomblob(200)), '')",
                    [()] * 500,
                )
        assert connection.execute("SELECT count(*) FROM hospitals").fetchone()[0] == 0
    while wal_bytes(tmp_path) > 0 and records.audit.head()[0] < 1000:
        with records.database.write(an_audit()) as writer:
            writer.executemany(
                "INSERT INTO hospitals (id, name, folded_name, created_at)"
                " VALUES (hex(randomblob(200)), '', hex(randomblob(200)), '')",
                [()] * 500,
            )
    assert wal_bytes(tmp_path) == 0


def test_a_tampered_audit_row_is_found(records: SqliteRecords, tmp_path: Path) -> None:
    """Who drops the triggers and writes into the file breaks the chain at that row."""
    for number in range(5):
        add_hospital(records, number)
    connection = sqlite3.connect(tmp_path / "records.db")
    connection.execute("DROP TRIGGER audit_never_changes")
    connection.execute("UPDATE audit SET actor = 'nobody' WHERE seq = 3")
    connection.commit()
    found = first_break(records.audit.rows())
    assert found is not None
    assert found.seq == 3
    connection.execute("UPDATE audit SET action = 'box.flown' WHERE seq = 2")
    connection.commit()
    connection.close()
    with pytest.raises(AuditBroken):
        list(records.audit.rows())


class Space(FakeDiskSpace):
    """A disk that counts what is given up."""

    n_given_up = 0

    def give_up(self) -> bool:
        """Count."""
        self.n_given_up += 1
        return super().give_up()


def test_on_a_full_disk_small_writes_go_on_and_inferences_wait(tmp_path: Path) -> None:
    """Ballast is given up before the small write, not after it failed."""
    space = Space(free=1 << 40)
    records = open_records(tmp_path / "records.db", space=space)
    space.restore()
    space.free = 0

    with pytest.raises(DiskFull), records.database.write(Unaudited.AUDIT_ITSELF, growing=True):
        pytest.fail("nothing may begin")
    add_hospital(records, 0)

    assert space.free >= space.small_bytes
    assert len(records.hospitals.hospitals()) == 1
    records.close()


def test_a_disk_that_is_full_unannounced_gives_up_ballast_for_the_next_write(
    tmp_path: Path,
) -> None:
    """A quota, or a disk that grows behind the box's back, says nothing beforehand."""
    space = Space(free=1 << 40)
    records = open_records(tmp_path / "records.db", space=space)
    space.restore()
    with records.database.write(Unaudited.AUDIT_ITSELF) as connection:
        n_pages = connection.execute("PRAGMA page_count").fetchone()[0]
    records.database._writer.execute(f"PRAGMA max_page_count={n_pages}")  # noqa: SLF001

    with pytest.raises(DiskFull):
        fill(records)
    assert space.n_given_up == 1

    records.database._writer.execute("PRAGMA max_page_count=1000000")  # noqa: SLF001
    fill(records)
    records.close()


def fill(records: SqliteRecords) -> None:
    """Write more than the pages at hand can take."""
    with records.database.write(Unaudited.AUDIT_ITSELF) as connection:
        connection.execute("CREATE TABLE much (content BLOB) STRICT")
        connection.execute("INSERT INTO much VALUES (zeroblob(1000000))")


def test_readers_who_take_turns_do_not_let_the_log_grow(tmp_path: Path) -> None:
    """There is no moment without a reader, and still the WAL is cut."""
    records = open_records(tmp_path / "records.db")
    taken, stop = threading.Barrier(3), threading.Event()

    def read_on() -> None:
        taken.wait()
        while not stop.is_set():
            with records.database.read() as connection:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
                stop.wait(0.02)

    readers = [threading.Thread(target=read_on) for _ in range(2)]
    for reader in readers:
        reader.start()
    taken.wait()
    n_most = 0
    try:
        for _ in range(40):
            replace_much(records)
            n_most = max(n_most, wal_bytes(tmp_path))
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert n_most < MAX_WAL_UNDER_READERS_BYTES + 2 * MAX_WAL_BYTES
    records.close()


def replace_much(records: SqliteRecords) -> None:
    """Write a megabyte, and keep none of it."""
    with records.database.write(Unaudited.AUDIT_ITSELF) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS much (content BLOB) STRICT")
        connection.execute("DELETE FROM much")
        connection.execute("INSERT INTO much VALUES (randomblob(1000000))")


def test_a_success_that_found_no_room_is_made_up_for(tmp_path: Path) -> None:
    """Whoever typed the right password while the disk was full is no guesser afterwards."""
    records = open_records(tmp_path / "records.db")
    keys = throttle_keys("ana", "192.0.2.1")
    for _ in range(FREE_FAILURES_PER_PAIR + 1):
        assert records.accounts.admit(keys, at=NOON) == 0.0
        with pytest.raises(DiskFull), full(records):
            records.accounts.count_success(keys, at=NOON)

    assert records.accounts.admit(keys, at=NOON) == 0.0
    records.close()


@contextmanager
def full(records: SqliteRecords) -> Iterator[None]:
    """Let every write find the disk full."""
    space = FakeDiskSpace(free=0)
    space.admit = _refuse  # type: ignore[method-assign]
    records.database._space = space  # noqa: SLF001
    try:
        yield
    finally:
        records.database._space = None  # noqa: SLF001


def _refuse(*, growing: bool) -> None:
    del growing
    raise DiskFull
