"""What every room of tests shares: the depth of the search, and a run that tested nothing fails."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Boxes of tests are many, and what they leave behind is kept for a while: little ballast each.
os.environ.setdefault("SPIRA_BALLAST_BYTES", "1048576")

# No deadline and no health check of speed: a busy machine is not a fault of the code.
_SLOW_IS_FINE = [HealthCheck.too_slow]
settings.register_profile(
    "fast", max_examples=50, deadline=None, suppress_health_check=_SLOW_IS_FINE
)
settings.register_profile(
    "thorough", max_examples=1000, deadline=None, suppress_health_check=_SLOW_IS_FINE
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))

_LAB = Path(__file__).parent / "models" / "lab"


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave the lab's tests to the lab: they cannot even be imported without torch.

    `make test` runs them there, and fails if it finds none.
    """
    return True if collection_path == _LAB and find_spec("torch") is None else None


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a run in which everything was skipped: nothing was shown by it."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if exitstatus != pytest.ExitCode.OK or session.config.option.collectonly or reporter is None:
        return
    if not (reporter.stats.get("passed") or reporter.stats.get("xfailed")):
        session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED
