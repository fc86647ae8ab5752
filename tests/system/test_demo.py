"""The demonstration runs by itself, runs again, and leaves other boxes alone."""

from __future__ import annotations

import json
import re
import signal
import stat
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.system.boxes import SPIRA, run_spira

pytestmark = pytest.mark.system


def test_one_command_shows_a_pre_diagnosis(tmp_path: Path) -> None:
    """It makes its box, asks the real API, says that it is a demonstration, and ends with 0."""
    done = run_spira("demo", "--once", "--data", str(tmp_path / "demo"))

    assert re.search(r"^pre-diagnosis: (positive|negative|inconclusive)", done.stdout)
    assert "DEMONSTRATION" in done.stdout
    secret = tmp_path / "demo" / "demonstration.json"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_it_may_be_run_again(tmp_path: Path) -> None:
    """The second run uses the box of the first, with the same accounts."""
    arguments = ("demo", "--data", str(tmp_path / "demo"), "--json")
    first = json.loads(run_spira(*arguments, "--once").stdout)
    second = json.loads(run_spira(*arguments, env={"ONCE": "1"}).stdout)

    assert first["users"] == second["users"]
    assert first["result"]["probability"] == second["result"]["probability"]
    assert second["inference"]["status"] == "completed"


def test_the_box_of_another_release_is_made_anew(tmp_path: Path) -> None:
    """An old model never meets new golden recordings: what is not of this release goes whole."""
    directory = tmp_path / "demo"
    arguments = ("demo", "--once", "--data", str(directory), "--json")
    first = json.loads(run_spira(*arguments).stdout)
    sign_in = directory / "demonstration.json"
    kept = json.loads(sign_in.read_bytes())
    sign_in.write_text(json.dumps({**kept, "made_by": {**kept["made_by"], "bundle": "other"}}))
    (directory / "old.txt").write_text("of the other release")

    second = json.loads(run_spira(*arguments).stdout)

    assert first["users"] != second["users"]
    assert second["inference"]["status"] == "completed"
    assert not (directory / "old.txt").exists()


def test_it_goes_on_running_until_it_is_stopped(tmp_path: Path) -> None:
    """Without --once the API answers until Ctrl-C, which ends it in order."""
    demo = subprocess.Popen(
        [SPIRA, "demo", "--data", tmp_path / "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert demo.stderr is not None
    assert any("Ctrl-C" in line for line in demo.stderr)
    printed = (tmp_path / "demo" / "serve.log").read_text()
    port = int(re.findall(r'"port": (\d+)', printed)[-1])
    answer = httpx.get(f"http://127.0.0.1:{port}/health/live", timeout=10.0)

    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=30)

    assert answer.status_code == httpx.codes.OK
    assert demo.returncode == 0
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{port}/health/live", timeout=10.0)


def test_a_box_that_is_no_demonstration_is_left_alone(tmp_path: Path) -> None:
    """A box of patients is never used for a show."""
    run_spira("init", "--data", str(tmp_path / "box"))

    done = run_spira("demo", "--once", "--data", str(tmp_path / "box"), check=False)

    assert done.returncode == 7
    assert "no demonstration" in done.stderr
    assert not (tmp_path / "box" / "demonstration.json").exists()
