"""Killed at any moment, `init` leaves a whole box or none, and may be run again."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.system.boxes import SPIRA, run_spira

pytestmark = pytest.mark.system

WITHIN_S = 30.0


def begun(directory: Path) -> bool:
    """Whether something was begun beside the place of the box."""
    return any(path.name.startswith(".box-building-") for path in directory.rglob(".*"))


@pytest.mark.parametrize("prepared", [True, False])
@pytest.mark.parametrize("after_s", [0.0, 0.1, 0.3])
def test_a_kill_leaves_a_whole_box_or_none(tmp_path: Path, after_s: float, prepared: bool) -> None:
    """What is there after kill -9 is complete; else the next `init` makes it."""
    box = tmp_path / "box"
    if prepared:
        box.mkdir()
    process = subprocess.Popen([SPIRA, "init", "--data", box], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + WITHIN_S
    while not begun(tmp_path) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    process.wait()

    whole = (box / "records.db").exists()
    done = run_spira("init", "--data", str(box), check=False)

    assert done.returncode == (7 if whole else 0)
    users = json.loads(run_spira("users", "list", "--data", str(box), "--json").stdout)["users"]
    assert [user["role"] for user in users] == ["admin"]
    assert whole or not begun(tmp_path)
    assert run_spira("audit", "verify", "--data", str(box)).returncode == 0
