"""The promises under fire: short in `make test`, whole with `--long` in `make torture`."""

from __future__ import annotations

import os
import platform
import secrets
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from tests.system.running import box, golden, made, no_log_tells_of_anyone
from tests.torture.trial import Trial

__all__ = ["box", "golden", "made", "no_log_tells_of_anyone"]

ROOM: Final = Path(__file__).parent
SUMMARY: Final = ROOM.parents[1] / "var" / "torture-summary.txt"
TRIAL: Final = pytest.StashKey[Trial]()
LINE: Final = "torture"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the length and the seed."""
    parser.addoption("--long", action="store_true", help="torture at full length")
    parser.addoption("--seed", type=int, help="repeat what a run with this seed did")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this room, so that no other run picks it up."""
    for item in items:
        if ROOM in item.path.parents:
            item.add_marker(pytest.mark.torture)


@pytest.fixture
def trial(request: pytest.FixtureRequest) -> Trial:
    """What this trial is given: its length and its seed."""
    option = request.config.getoption
    seed = option("--seed", None)
    trial = Trial(
        seed=secrets.randbelow(2**31) if seed is None else seed,
        long=bool(option("--long", default=False)),
    )
    request.node.stash[TRIAL] = trial
    return trial


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the lines of what passed, and the seed of what failed."""
    report = yield
    trial = item.stash.get(TRIAL, None)
    if trial is None or call.when != "call":
        return report
    name = item.name.removeprefix("test_").replace("_", " ")
    if report.passed:
        lines = trial.lines or [f"{name}: held"]
        report.user_properties += [
            (LINE, f"{line} ({trial.took}, seed {trial.seed})") for line in lines
        ]
    elif report.failed:
        again = f"make torture ONLY={item.name.split('[')[0]} SEED={trial.seed}"
        length = "" if trial.long else " (add LENGTH= for the short form)"
        report.sections.append(("repeat it", again + length))
    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print one line a promise; at full length keep them, with the day and the machine."""
    if hasattr(config, "workerinput"):
        return  # of a run side by side, the one that started it sums up
    passed: list[pytest.TestReport] = terminalreporter.getreports("passed")
    lines = [
        str(text) for report in passed for name, text in report.user_properties if name == LINE
    ]
    if not lines:
        return
    terminalreporter.section("torture")
    for line in lines:
        terminalreporter.write_line(line)
    if config.getoption("--long", default=False):
        SUMMARY.parent.mkdir(exist_ok=True)
        with SUMMARY.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in (f"# {_day_and_machine()}", *lines))


def _day_and_machine() -> str:
    system = f"{platform.platform()}, Python {platform.python_version()}"
    return f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {system}"
