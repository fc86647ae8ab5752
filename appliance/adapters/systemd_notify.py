"""What systemd wants to hear of a service: that it is ready, alive, stopping (sd_notify(3))."""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping
from dataclasses import dataclass

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemdNotifier:
    """Tells systemd of this process; silent where there is none.

    Attributes:
        address: of systemd's datagram socket; None without systemd.
        watchdog_s: systemd kills a service silent for so long; None if it does not.
    """

    address: str | None
    watchdog_s: float | None

    def __call__(self, state: str) -> None:
        """Send a state such as READY=1. Never raises."""
        if self.address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as voice:
                voice.settimeout(1.0)
                voice.sendto(state.encode(), self.address)
        except OSError as error:
            _log.warning("systemd-not-told", extra={"errno": error.errno})


def systemd_notifier(environment: Mapping[str, str], *, pid: int) -> SystemdNotifier:
    """Return the notifier of the process with this id, as the environment describes it."""
    address = environment.get("NOTIFY_SOCKET") or None
    if address is not None and address.startswith("@"):
        address = f"\0{address[1:]}"
    watched = environment.get("WATCHDOG_PID", str(pid)) == str(pid)
    microseconds = environment.get("WATCHDOG_USEC", "")
    return SystemdNotifier(
        address=address,
        watchdog_s=int(microseconds) / 1e6 if watched and microseconds.isdigit() else None,
    )
