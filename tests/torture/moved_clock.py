"""A box whose wall clock the harness sets while it runs (libfaketime); all else stays real."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tests.system.boxes import READY_WITHIN_S, SPIRA, Box, wait_until

LIBRARIES: Final = "/usr/lib/*/faketime/libfaketimeMT.so.1"
IN_FORCE_AFTER_S: Final = 3.0
"""The library looks into its file once a second."""
_SLEEP: Final = """\
# libfaketime 0.9.10 hands clock_nanosleep(CLOCK_MONOTONIC) a negative time when that clock is
# to stay real (its issue 426), and time.sleep of Python 3.11 calls just that.
import threading
import time

time.sleep = lambda seconds: threading.Event().wait(seconds) and None
"""


@dataclass
class MovedBox(Box):
    """A box that believes the harness about what time it is.

    Its monotonic clock, its waits and the times of its files stay those of the machine.
    """

    def start(self) -> None:
        """Start the server and wait until it is ready."""
        if not self._offset_file.exists():
            self.set_clock(timedelta())
        log = (self.data.parent / "serve.log").open("ab")
        self.process = subprocess.Popen(
            [SPIRA, "serve", "--port", str(self.port), "--data", str(self.data)],
            stdout=log,
            stderr=log,
            env={**os.environ, **self.environment},
        )
        log.close()
        wait_until(self.is_ready, READY_WITHIN_S, "the box to be ready")

    @property
    def environment(self) -> Mapping[str, str]:
        """What makes any process of this box see its clock."""
        (library,) = Path("/").glob(LIBRARIES.lstrip("/"))
        customs = self.data.parent / "sleep"
        customs.mkdir(exist_ok=True)
        (customs / "sitecustomize.py").write_text(_SLEEP)
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._offset_file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "PYTHONPATH": str(customs),
        }

    def set_clock(self, offset: timedelta) -> None:
        """Set the clock so far from the true time; in force on return."""
        fresh = self._offset_file.with_suffix(".new")
        fresh.write_text(f"{offset.total_seconds():+.0f}\n")
        fresh.rename(self._offset_file)
        time.sleep(IN_FORCE_AFTER_S)

    @property
    def _offset_file(self) -> Path:
        return self.data.parent / "clock-offset"


def since_1970() -> timedelta:
    """How far back a clock whose battery is empty begins."""
    return timedelta(days=1) - (datetime.now(UTC) - datetime(1970, 1, 1, tzinfo=UTC))
