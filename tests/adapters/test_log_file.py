"""The log of a killed box: what is lost by a flipped bit is seen before SQLite drops it."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from appliance.adapters.sqlite_records import open_records
from appliance.adapters.sqlite_records.log_file import log_damage
from appliance.core.audit import AuditAction
from appliance.core.errors import LogDamaged
from appliance.core.ids import HospitalId
from appliance.core.log_damage import LogDamage
from tests.builders import a_hospital, an_audit

N_HOSPITALS = 6
FRAME_BYTES = 24 + 4096


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """The database of a box that was killed: what was acknowledged is in the log alone."""
    (tmp_path / "running").mkdir()
    records = open_records(tmp_path / "running" / "records.db")
    for number in range(N_HOSPITALS):
        hospital = a_hospital(id=HospitalId(f"h-{number}"), name=f"Hospital {number}")
        records.hospitals.add_hospital(hospital, audit=an_audit(AuditAction.HOSPITAL_ADDED))
    (tmp_path / "killed").mkdir()
    for name in ("records.db", "records.db-wal"):
        shutil.copy(tmp_path / "running" / name, tmp_path / "killed" / name)
    records.close()
    return tmp_path / "killed" / "records.db"


def flip(log: Path, bit: int) -> None:
    """Flip one bit of the log."""
    content = bytearray(log.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    log.write_bytes(content)


def log_of(database: Path) -> Path:
    """Return where the log is."""
    return database.with_name("records.db-wal")


def test_a_whole_log_is_taken(killed: Path) -> None:
    """As after any kill."""
    assert log_damage(log_of(killed)) is None
    records = open_records(killed)
    assert len(records.hospitals.hospitals()) == N_HOSPITALS
    assert not records.log_cut_short
    records.close()


def test_no_log_and_a_log_cut_off_are_no_damage(killed: Path, tmp_path: Path) -> None:
    """A write that never ended was never acknowledged."""
    assert log_damage(tmp_path / "none-wal") is None
    content = log_of(killed).read_bytes()
    for n_bytes in (0, 20, 40, len(content) - 100, len(content) - FRAME_BYTES):
        log_of(killed).write_bytes(content[:n_bytes])
        assert log_damage(log_of(killed)) is None


@pytest.mark.parametrize("seed", range(40))
def test_a_flipped_bit_is_seen(killed: Path, seed: int) -> None:
    """Before the last transaction it is sure, and the box does not open over it."""
    log = log_of(killed)
    before = log.read_bytes()
    early = 8 * (len(before) // 2)
    flip(log, random.Random(seed).randrange(early))  # noqa: S311 - no secret
    assert log_damage(log) is LogDamage.LOST
    with pytest.raises(LogDamaged):
        open_records(killed)
    # Nothing was touched: a backup of the log, put back, is taken.
    log.write_bytes(before)
    records = open_records(killed)
    assert len(records.hospitals.hospitals()) == N_HOSPITALS
    records.close()


def test_a_torn_last_write_is_told_once(killed: Path) -> None:
    """Nobody can tell it from a write that a power cut tore: the box opens without it."""
    content = log_of(killed).read_bytes()
    flip(log_of(killed), 8 * (len(content) - 100))
    assert log_damage(log_of(killed)) is LogDamage.POSSIBLE
    records = open_records(killed)
    assert records.log_cut_short
    assert len(records.hospitals.hospitals()) == N_HOSPITALS - 1
    records.close()
    again = open_records(killed)
    assert not again.log_cut_short
    again.close()


def test_what_an_older_log_left_behind_is_no_damage(tmp_path: Path) -> None:
    """A log begun anew is written over the old one, whose frames have other salts."""
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE t (a)")
        for _ in range(20):
            writer.execute("INSERT INTO t VALUES (randomblob(3000))")
        writer.execute("PRAGMA wal_checkpoint(RESTART)")
        writer.execute("INSERT INTO t VALUES (1)")
        assert log_damage(tmp_path / "a.db-wal") is None
