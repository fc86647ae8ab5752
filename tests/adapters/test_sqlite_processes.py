"""Several processes on one database, and processes that end without a word."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from appliance.adapters.sqlite_records import SqliteRecords, open_records
from appliance.core.audit import first_break

ROOT = Path(__file__).parents[2]


def start_writer(path: Path, name: str, n_hospitals: int) -> subprocess.Popen[str]:
    """Start a process that adds hospitals and prints each that was acknowledged."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.adapters.sqlite_writer", path, name, str(n_hospitals)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def names(records: SqliteRecords) -> set[str]:
    """Return the names of all hospitals."""
    return {hospital.name for hospital in records.hospitals.hospitals()}


def test_two_processes_lose_nothing(tmp_path: Path) -> None:
    """Both write at once, from the very migration on; every row and one whole chain remain."""
    path = tmp_path / "records.db"
    writers = [start_writer(path, name, 150) for name in ("a", "b")]
    outputs = [writer.communicate(timeout=60)[0].split() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    records = open_records(path)
    assert names(records) == {name for output in outputs for name in output}
    assert len(names(records)) == 300
    assert records.audit.head()[0] == 300
    assert first_break(records.audit.rows()) is None
    assert records.integrity_problems() == ()
    records.close()


def test_a_killed_writer_loses_nothing_it_promised(tmp_path: Path) -> None:
    """After each kill -9 everything acknowledged is there, and the file is whole."""
    path = tmp_path / "records.db"
    promised: set[str] = set()
    for round_ in range(4):
        writer = start_writer(path, f"round-{round_}", 1_000_000)
        assert writer.stdout is not None
        promised |= {writer.stdout.readline().strip() for _ in range(20 + 17 * round_)}
        writer.kill()
        promised |= {line.strip() for line in writer.stdout if line.endswith("\n")}
        writer.wait(timeout=10)
        writer.stdout.close()
        records = open_records(path)
        assert promised <= names(records)
        assert records.audit.head()[0] == len(names(records))
        assert first_break(records.audit.rows()) is None
        assert records.integrity_problems() == ()
        records.close()
