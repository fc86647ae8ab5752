"""The contract of JobQueue, kept by Huey and by the fake."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.adapters.huey_queue import HueyQueue
from appliance.core.ids import ResultId
from appliance.ports import JobQueue
from tests.fakes_io import FakeJobQueue

IDS = [ResultId(f"00000000-0000-4000-8000-{n:012d}") for n in range(20)]


@dataclass
class Under:
    """A queue under test, what its worker has seen, and how to let it work."""

    queue: JobQueue
    seen: list[ResultId]
    settle: Callable[[int], object]


@pytest.fixture(params=["huey", "fake"])
def under(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Under]:
    """Each queue in turn, with one worker."""
    seen: list[ResultId] = []
    if request.param == "fake":
        fake = FakeJobQueue()
        under = Under(fake, seen, lambda _: fake.work and fake.run(fake.work))
    else:
        under = Under(HueyQueue(tmp_path), seen, lambda n_expected: _settle(seen, n_expected))
    under.queue.start(seen.append, n_workers=1)
    yield under
    under.queue.stop(5.0)


def _settle(seen: list[ResultId], n_expected: int) -> None:
    deadline_s = time.monotonic() + 10.0
    while len(seen) < n_expected and time.monotonic() < deadline_s:
        time.sleep(0.005)


def test_every_woken_id_reaches_a_worker(under: Under) -> None:
    """While nothing crashes nothing is lost, and one worker sees the order of arrival."""
    for result_id in IDS:
        under.queue.wake(result_id)
    under.settle(len(IDS))

    assert under.seen == IDS


def test_the_same_id_may_be_woken_again(under: Under) -> None:
    """Duplicates are no error; the worker's claim sorts them out."""
    under.queue.wake(IDS[0])
    under.queue.wake(IDS[0])
    under.settle(2)

    assert under.seen
    assert set(under.seen) == {IDS[0]}


def test_any_thread_may_wake(under: Under) -> None:
    """Requests wake from the threads they run in."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(under.queue.wake, IDS))
    under.settle(len(IDS))

    assert sorted(under.seen) == IDS


def test_a_stopped_queue_calls_nobody_and_may_start_again(under: Under) -> None:
    """Ids that come in between wait for the next start."""
    assert under.queue.stop(5.0)
    under.queue.wake(IDS[0])
    under.settle(0)
    time.sleep(0.05)
    assert under.seen == []

    under.queue.start(under.seen.append, n_workers=1)
    under.settle(1)
    assert under.seen == [IDS[0]]


def test_stopping_twice_is_no_error(under: Under) -> None:
    """Whoever ends last need not know who ended first."""
    assert under.queue.stop(5.0)
    assert under.queue.stop(5.0)
