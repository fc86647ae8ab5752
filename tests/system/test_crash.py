"""A box that is killed, stopped and robbed of its queue still answers once for everything."""

from __future__ import annotations

import signal
import sqlite3

import pytest

from tests.system.boxes import Box, Client, run_spira

pytestmark = pytest.mark.system

N_INFERENCES = 6


def _submit(nurse: Client, golden: dict[str, bytes]) -> list[str]:
    return [nurse.post_2022(golden).json()["inference_id"] for _ in range(N_INFERENCES)]


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
    assert counts == (len(ids), len(ids), len(ids))
    assert run_spira("audit", "verify", "--data", str(box.data)).returncode == 0


def test_a_kill_in_mid_run_leaves_exactly_one_result_each(
    box: Box, golden: dict[str, bytes]
) -> None:
    """Every acknowledged inference is completed once after kill -9 and a restart."""
    ids = _submit(box.sign_in("nurse"), golden)
    box.stop(signal.SIGKILL)

    box.start()

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
