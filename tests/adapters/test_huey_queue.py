"""Huey as the one who wakes: other processes, stops, signals, and jobs that misbehave."""

from __future__ import annotations

import logging
import signal
import stat
import threading
import time
from pathlib import Path

import pytest

from appliance.adapters.huey_queue import HueyQueue
from appliance.core.ids import ResultId
from tests.adapters.queues import (
    ID,
    OTHER,
    WITHIN_S,
    put,
    rows,
    serving,
    wait_until,
    wake_from_another_process,
)


def test_another_process_wakes_a_worker_at_once(tmp_path: Path) -> None:
    """The console's datagram is heard; nobody waits for a poll."""
    with serving(tmp_path) as (_, seen):
        wake_from_another_process(tmp_path, ID)
        wait_until(lambda: seen == [ID])


def test_a_lost_ring_costs_at_most_the_bound(tmp_path: Path) -> None:
    """Whoever waits looks again by itself."""
    with serving(tmp_path, wait_at_most_s=0.2) as (queue, seen):
        queue.wake(ID)
        wait_until(lambda: seen == [ID])
        put(tmp_path, f'"{OTHER}"'.encode())
        wait_until(lambda: seen == [ID, OTHER])


def test_a_directory_too_deep_for_a_socket_address_is_served(tmp_path: Path) -> None:
    """The 108 bytes of a socket's address do not limit where a box may live."""
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    with serving(deep) as (_, seen):
        assert stat.S_ISSOCK((deep / "huey.sock").stat().st_mode)
        wake_from_another_process(deep, ID)
        wait_until(lambda: seen == [ID])


def test_what_was_woken_before_the_start_is_seen_after_it(tmp_path: Path) -> None:
    """The console may submit while no server runs."""
    queue = HueyQueue(tmp_path)
    queue.wake(ID)
    queue.stop(0.0)

    with serving(tmp_path) as (_, seen):
        wait_until(lambda: seen == [ID])


def test_waking_never_raises(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A queue whose directory is gone tells the log, by codes alone, and nobody else."""
    with caplog.at_level(logging.WARNING):
        HueyQueue(tmp_path / "absent").wake(ID)

    assert [record.getMessage() for record in caplog.records] == ["queue-not-written"]
    assert str(tmp_path) not in caplog.text


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
    queue = HueyQueue(tmp_path, wait_at_most_s=3600.0)
    queue.start(lambda _: None, n_workers=4)
    time.sleep(0.1)

    assert queue.stop(WITHIN_S)


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
