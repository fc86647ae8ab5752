"""The file huey.db: what lies in it, that it may be lost, and what a bad disk does."""

from __future__ import annotations

import logging
import os
import pickle
import sqlite3
import stat
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from appliance.adapters.huey_queue import HueyQueue
from appliance.adapters.huey_queue.storage import N_WAITING_MAX
from tests.adapters.queues import ID, OTHER, put, rows, serving, wait_until


def test_a_job_on_disk_is_an_id_and_nothing_else(tmp_path: Path) -> None:
    """JSON with the id alone: no pickle, no arguments, no names."""
    queue = HueyQueue(tmp_path)
    queue.wake(ID)
    queue.stop(0.0)

    assert rows(tmp_path) == [f'"{ID}"'.encode()]


def test_the_files_are_private(tmp_path: Path) -> None:
    """Mode 0600 for file and socket, whatever the umask says."""
    before = os.umask(0)
    try:
        with serving(tmp_path) as (queue, _):
            queue.wake(ID)
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)

    assert {"huey.db", "huey.sock"} <= modes.keys()
    assert set(modes.values()) == {0o600}


class Bomb:
    """What a pickle from outside would do."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        """Return a command to run."""
        return os.system, ("touch exploded",)


def test_a_pickle_in_the_file_is_never_loaded(tmp_path: Path) -> None:
    """Whoever can write huey.db cannot run code; odd jobs are dropped and the next one goes on."""
    queue = HueyQueue(tmp_path)
    queue.wake(ID)
    queue.stop(0.0)
    with closing(sqlite3.connect(tmp_path / "huey.db")) as connection, connection:
        connection.execute("DELETE FROM task")
    put(tmp_path, pickle.dumps(Bomb()), b'{"a": 1}', b'["x"]', b'""', b'"' + b"x" * 65 + b'"', b"7")
    put(tmp_path, f'"{OTHER}"'.encode())

    with serving(tmp_path, n_workers=1) as (_, seen):
        wait_until(lambda: seen)
        assert seen == [OTHER]
    assert rows(tmp_path) == []
    assert not Path("exploded").exists()


def test_the_file_may_be_deleted_while_nobody_serves(tmp_path: Path) -> None:
    """Its jobs are lost, as promised, and everything goes on."""
    with serving(tmp_path) as (queue, seen):
        queue.wake(ID)
        wait_until(lambda: seen)
    for path in tmp_path.glob("huey.db*"):
        path.unlink()

    with serving(tmp_path) as (queue, seen):
        queue.wake(OTHER)
        wait_until(lambda: seen == [OTHER])


@pytest.mark.parametrize("kind", ["noise", "cut", "foreign", "link", "socket left behind"])
def test_a_file_that_is_no_queue_is_replaced_at_the_start(tmp_path: Path, kind: str) -> None:
    """The file is disposable: damage costs nothing but its jobs."""
    path = tmp_path / "huey.db"
    if kind == "noise":
        path.write_bytes(os.urandom(8192))
        path.with_name("huey.db-wal").write_bytes(os.urandom(8192))
    elif kind == "cut":
        HueyQueue(tmp_path).wake(ID)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        path.write_bytes(path.read_bytes()[:5000])
    elif kind == "foreign":
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("CREATE TABLE task (name TEXT PRIMARY KEY)")
    elif kind == "link":
        (tmp_path / "elsewhere").write_bytes(b"precious")
        path.symlink_to(tmp_path / "elsewhere")
    else:
        (tmp_path / "huey.sock").write_bytes(b"")

    with serving(tmp_path) as (queue, seen):
        queue.wake(OTHER)
        wait_until(lambda: OTHER in seen)

    assert rows(tmp_path) == []
    if kind == "link":
        assert (tmp_path / "elsewhere").read_bytes() == b"precious"


def test_without_a_file_ids_are_handed_over_in_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A disk that takes no file stops neither the start nor the work of this process."""
    (tmp_path / "huey.db").mkdir()  # cannot be opened, cannot be unlinked
    with serving(tmp_path) as (queue, seen), caplog.at_level(logging.WARNING):
        queue.wake(ID)
        wait_until(lambda: seen == [ID])

    warned = [record for record in caplog.records if record.getMessage() == "queue-not-written"]
    assert [getattr(record, "result_id", None) for record in warned] == [ID]


def test_a_file_that_breaks_meanwhile_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Damage while serving is told once, and ids go through memory from then on."""
    with (
        serving(tmp_path, n_workers=1, wait_at_most_s=0.02) as (queue, seen),
        caplog.at_level(logging.WARNING),
    ):
        queue.wake(ID)
        wait_until(lambda: seen == [ID])
        with closing(sqlite3.connect(tmp_path / "huey.db")) as connection, connection:
            connection.execute("DROP TABLE task")
            connection.execute("CREATE TABLE task (name TEXT)")
        wait_until(lambda: "queue-not-read" in caplog.text)
        time.sleep(0.2)
        queue.wake(OTHER)
        wait_until(lambda: seen == [ID, OTHER])

    assert caplog.text.count("queue-not-read") == 1


def test_more_than_can_be_told_is_dropped(tmp_path: Path) -> None:
    """A long backlog is not written twice: workers that are awake take all there is."""
    queue = HueyQueue(tmp_path)
    for _ in range(N_WAITING_MAX + 5):
        queue.wake(ID)
    queue.stop(0.0)

    assert len(rows(tmp_path)) == N_WAITING_MAX
