"""What the serving process does at a quiet hour: low priority, behind all live work."""

from __future__ import annotations

import logging
import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import datetime
from typing import Final

from appliance.bootstrap import Appliance
from appliance.usecases.canary import SERVER, is_due, sing

LOWEST_PRIORITY: Final = 19
LOOK_EVERY_S: Final = 0.5

_log = logging.getLogger(__name__)


class NightlyCanary:
    """Tries every installed version in the predictor that serves, once a night."""

    def __init__(self, appliance: Appliance) -> None:
        """Start nothing yet."""
        self._appliance = appliance
        self._last_at: datetime | None = None
        self._stopping = threading.Event()
        self._thread = ThreadPoolExecutor(1, "canary", initializer=lower_priority)
        self._running: Future[None] | None = None

    def look(self) -> None:
        """Begin if it is time and nothing runs; returns at once.

        Raises:
            ApplianceError, or whatever ended the run that was begun before.
        """
        if self._running is not None:
            if not self._running.done():
                return
            ended, self._running = self._running, None
            ended.result()
        now = self._appliance.clock().astimezone()
        if is_due(self._last_at, now=now, hour=self._appliance.settings.quiet_hour):
            self._last_at = now
            self._running = self._thread.submit(self._run)

    def stop(self) -> None:
        """Begin no further version; returns at once."""
        self._stopping.set()
        self._thread.shutdown(wait=False)

    def wait(self, timeout_s: float) -> None:
        """Wait for the version under way, but no longer than this: nothing depends on it."""
        wait({self._running} if self._running else (), timeout_s)

    def _run(self) -> None:
        box = self._appliance
        sung = list(
            sing(actor=SERVER, room=box.model_room(), audit=box.audit, may_go_on=self._when_idle)
        )
        n_faults = sum(bool(one.fault) for one in sung)
        _log.info("canary-run", extra={"n_versions": len(sung), "n_faults": n_faults})

    def _when_idle(self) -> bool:
        """Wait while a result is queued or runs; False once the box is to stop."""
        while self._appliance.models.awaited():
            if self._stopping.wait(LOOK_EVERY_S):
                return False
        return not self._stopping.is_set()


def lower_priority() -> None:
    """Let this thread run behind all others of the machine, for ever."""
    with suppress(OSError):  # systemd's filter may refuse it: then it runs as others do
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST_PRIORITY)
