"""What systemd is told, and by whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.adapters.systemd_notify import systemd_notifier


def test_without_systemd_nobody_is_told(tmp_path: Path) -> None:
    """A developer's shell has no notify socket, and a dead one is no error."""
    silent = systemd_notifier({}, pid=1)
    silent("READY=1")
    dead = systemd_notifier({"NOTIFY_SOCKET": str(tmp_path / "absent")}, pid=1)
    dead("READY=1")

    assert (silent.address, silent.watchdog_s) == (None, None)


@pytest.mark.parametrize(
    ("environment", "watchdog_s"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_this_process_s(
    environment: dict[str, str], watchdog_s: float | None
) -> None:
    """Variables that were inherited for another process are left alone."""
    assert systemd_notifier(environment, pid=7).watchdog_s == watchdog_s


def test_an_abstract_address_is_spelled_as_the_kernel_wants_it() -> None:
    """Systemd writes @ for the leading zero byte."""
    assert systemd_notifier({"NOTIFY_SOCKET": "@run"}, pid=7).address == "\0run"
