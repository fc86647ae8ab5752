"""A box that is killed, stopped and robbed of its queue still answers once for everything."""

from __future__ import annotations

import signal
import sqlite3
import threading
import time
from contextlib import closing, suppress

import httpx
import pytest

from tests.system.boxes import Box, Client, run_spira

pytestmark = pytest.mark.system

N_INFERENCES = 6
N_POSTED = 40
N_KILLS = 5


def _submit(nurse: Client, golden: dict[str, bytes]) -> list[str]:
    return [nurse.post_2022(golden).json()["inference_id"] for _ in range(N_INFERENCES)]


def _n_running(box: Box) -> int:
    """Return how many results the file says are being computed, without changing the file."""
    path = box.data / "records.db"
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as records:
        (n_running,) = records.execute(
            "SELECT count(*) FROM results WHERE state = 'running'"
        ).fetchone()
    return int(n_running)


def _submit_until_killed(box: Box, golden: dict[str, bytes]) -> list[str]:
    """Kill the box as soon as a result is being computed; return what it had acknowledged."""
    nurse, ids = box.sign_in("nurse"), []

    def post_on() -> None:
        with suppress(httpx.TransportError):
            for _ in range(N_POSTED):
                answer = nurse.post_2022(golden)
                ids.append(answer.json()["inference_id"])

    sender = threading.Thread(target=post_on)
    sender.start()
    while sender.is_alive() and not _n_running(box):
        time.sleep(0.001)
    box.stop(signal.SIGKILL)
    sender.join()
    return ids


def _assert_one_result_each(box: Box, ids: list[str]) -> None:
    nurse = box.sign_in("nurse")
    for inference_id in ids:
        found = nurse.wait_for_result(inference_id)
        assert found["inference"]["status"] == "completed"
    assert box.stop() == 0
    with sqlite3.connect(box.data / "records.db") as records:
        counts = records.execute(
            "SELECT count(*), count(DISTINCT inference_id), sum(state = 'done') FROM results"
        ).fetchone()
    n_results, n_inferences, n_done = counts
    # A request that was cut off before its answer may have been stored all the same.
    assert n_results == n_inferences == n_done >= len(ids)
    assert run_spira("audit", "verify", "--data", str(box.data)).returncode == 0


def test_a_kill_in_mid_run_leaves_exactly_one_result_each(
    box: Box, golden: dict[str, bytes]
) -> None:
    """Every acknowledged inference is completed once after kill -9 and a restart.

    That something ran is seen in the file after the kill; a kill that came too late is repeated.
    """
    ids: list[str] = []
    n_cut_off = 0
    for _ in range(N_KILLS):
        ids += _submit_until_killed(box, golden)
        n_cut_off += _n_running(box)
        box.start()
        if n_cut_off:
            break
    assert n_cut_off > 0

    _assert_one_result_each(box, ids)


def test_the_queue_may_be_deleted_while_the_box_is_down(box: Box, golden: dict[str, bytes]) -> None:
    """The queue only wakes: everything unfinished is found again without it."""
    ids = _submit(box.sign_in("nurse"), golden)
    box.stop(signal.SIGKILL)
    for path in box.data.glob("huey.db*"):
        path.unlink()

    box.start()

    _assert_one_result_each(box, ids)


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_an_orderly_stop_exits_with_0_and_loses_nothing(
    box: Box, golden: dict[str, bytes], sig: signal.Signals
) -> None:
    """A stop in mid-run counts as no attempt that failed."""
    ids = _submit(box.sign_in("nurse"), golden)

    assert box.stop(sig) == 0

    box.start()
    _assert_one_result_each(box, ids)


def test_a_second_server_is_refused(box: Box) -> None:
    """Two servers never share a data directory."""
    done = run_spira("serve", "--port", "0", "--data", str(box.data), "--json", check=False)

    assert done.returncode not in {0, 1}
    assert "already-serving" in done.stdout + done.stderr
