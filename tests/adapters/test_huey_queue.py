"""Huey as the one who wakes: other processes, a lost file, a broken disk, and how it ends."""

from __future__ import annotations

import logging
import os
import pickle
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from appliance.adapters.huey_queue import HueyQueue
from appliance.adapters.huey_queue.storage import N_WAITING_MAX
from appliance.core.ids import ResultId

ROOT = Path(__file__).parents[2]
ID = ResultId("00000000-0000-4000-8000-000000000001")
OTHER = ResultId("00000000-0000-4000-8000-000000000002")
WITHIN_S = 10.0


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until something is true, or fail."""
    deadline_s = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


@contextmanager
def serving(directory: Path, n_workers: int = 2) -> Iterator[tuple[HueyQueue, list[ResultId]]]:
    """Yield a queue with its workers, and what they have seen."""
    seen: list[ResultId] = []
    queue = HueyQueue(directory)
    queue.start(seen.append, n_workers)
    try:
        yield queue, seen
    finally:
        assert queue.stop(WITHIN_S)


def wake_from_another_process(directory: Path, result_id: str) -> None:
    """Do what the console does beside a running server."""
    code = (
        "import sys; from pathlib import Path; from appliance.adapters.huey_queue import HueyQueue;"
        "HueyQueue(Path(sys.argv[1])).wake(sys.argv[2])"
    )
    subprocess.run([sys.executable, "-c", code, directory, result_id], cwd=ROOT, check=True)


def rows(directory: Path) -> list[bytes]:
    """Return what lies in the file."""
    with closing(sqlite3.connect(directory / "huey.db")) as connection:
        return [bytes(row[0]) for row in connection.execute("SELECT data FROM task ORDER BY id")]


def put(directory: Path, *contents: bytes) -> None:
    """Write jobs into the file from outside."""
    with closing(sqlite3.connect(directory / "huey.db")) as connection, connection:
        connection.executemany(
            "INSERT INTO task (queue, data) VALUES ('spira', ?)", [(c,) for c in contents]
        )


def test_another_process_wakes_a_worker_at_once(tmp_path: Path) -> None:
    """The console's datagram is heard; nobody waits for a poll."""
    with serving(tmp_path) as (_, seen):
        wake_from_another_process(tmp_path, ID)
        # The bound of a lost ring is 1 s; the datagram was sent before the process ended.
        time.sleep(0.3)
        assert seen == [ID]


def test_a_directory_too_deep_for_a_socket_address_is_served(tmp_path: Path) -> None:
    """The 108 bytes of a socket's address do not limit where a box may live."""
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    with serving(deep) as (_, seen):
        assert stat.S_ISSOCK((deep / "huey.sock").stat().st_mode)
        wake_from_another_process(deep, ID)
        time.sleep(0.3)
        assert seen == [ID]


def test_what_was_woken_before_the_start_is_seen_after_it(tmp_path: Path) -> None:
    """The console may submit while no server runs."""
    queue = HueyQueue(tmp_path)
    queue.wake(ID)
    queue.stop(0.0)

    with serving(tmp_path) as (_, seen):
        wait_until(lambda: seen == [ID])


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
    assert not (ROOT / "exploded").exists()


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


def test_a_file_that_breaks_meanwhile_stops_nothing(tmp_path: Path) -> None:
    """Damage while serving is noticed, and ids go through memory from then on."""
    with serving(tmp_path, n_workers=1) as (queue, seen):
        queue.wake(ID)
        wait_until(lambda: seen == [ID])
        with closing(sqlite3.connect(tmp_path / "huey.db")) as connection, connection:
            connection.execute("DROP TABLE task")
            connection.execute("CREATE TABLE task (name TEXT)")
        queue.wake(OTHER)
        wait_until(lambda: seen == [ID, OTHER])


def test_waking_never_raises(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A queue whose directory is gone tells the log, by codes alone, and nobody else."""
    with caplog.at_level(logging.WARNING):
        HueyQueue(tmp_path / "absent").wake(ID)

    assert [record.getMessage() for record in caplog.records] == ["queue-not-written"]
    assert str(tmp_path) not in caplog.text


def test_more_than_can_be_told_is_dropped(tmp_path: Path) -> None:
    """A long backlog is not written twice: workers that are awake take all there is."""
    queue = HueyQueue(tmp_path)
    for _ in range(N_WAITING_MAX + 5):
        queue.wake(ID)
    queue.stop(0.0)

    assert len(rows(tmp_path)) == N_WAITING_MAX


def test_a_stop_lets_a_job_finish(tmp_path: Path) -> None:
    """An orderly stop waits for what is under way, begins nothing new, and ends all threads."""
    before = threading.active_count()
    begun, finish, done = threading.Event(), threading.Event(), []

    def work(result_id: ResultId) -> None:
        begun.set()
        finish.wait(WITHIN_S)
        done.append(result_id)

    queue = HueyQueue(tmp_path)
    queue.start(work, n_workers=1)
    queue.wake(ID)
    queue.wake(OTHER)
    begun.wait(WITHIN_S)
    threading.Timer(0.2, finish.set).start()

    assert queue.stop(WITHIN_S)
    assert done == [ID]
    assert rows(tmp_path) == [f'"{OTHER}"'.encode()]
    assert not (tmp_path / "huey.sock").exists()
    wait_until(lambda: threading.active_count() == before)


def test_a_stop_does_not_wait_for_ever(tmp_path: Path) -> None:
    """A job that hangs is left behind, and the caller is told."""
    finish = threading.Event()
    queue = HueyQueue(tmp_path)
    queue.start(lambda _: finish.wait(WITHIN_S), n_workers=1)
    queue.wake(ID)
    wait_until(lambda: not rows(tmp_path))

    began_s = time.monotonic()
    ended = queue.stop(0.2)

    assert not ended
    assert time.monotonic() - began_s < 2.0
    finish.set()


def test_an_idle_stop_is_quick(tmp_path: Path) -> None:
    """Workers that wait are woken to leave."""
    queue = HueyQueue(tmp_path)
    queue.start(lambda _: None, n_workers=4)
    time.sleep(0.1)

    began_s = time.monotonic()
    assert queue.stop(WITHIN_S)
    assert time.monotonic() - began_s < 0.5


def test_signals_stay_the_server_s(tmp_path: Path) -> None:
    """Huey would take SIGTERM, SIGINT and SIGHUP for itself."""
    taken = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
    before = [signal.getsignal(number) for number in taken]
    with serving(tmp_path):
        assert [signal.getsignal(number) for number in taken] == before


def test_work_that_raises_does_not_end_its_thread(tmp_path: Path) -> None:
    """One bad job does not take a worker away from the others."""
    seen = []

    def work(result_id: ResultId) -> None:
        seen.append(result_id)
        if result_id == ID:
            raise ValueError("bad job")

    queue = HueyQueue(tmp_path)
    queue.start(work, n_workers=1)
    queue.wake(ID)
    queue.wake(OTHER)
    wait_until(lambda: seen == [ID, OTHER])
    assert queue.stop(WITHIN_S)
