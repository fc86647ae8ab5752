"""A server process that is started again and again, and how long it takes to be ready."""

from __future__ import annotations

import http.client
import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.system.boxes import SPIRA, Box

READY_WITHIN_S: Final = 5.0
GIVEN_UP_AFTER_S: Final = 30.0
POLL_S: Final = 0.01


@dataclass(kw_only=True)
class Restarts:
    """A box that is started often.

    Attributes:
        command: of the server, but for its port; None for the installed one.
        ready_s: from each start to ready.
        starved_s: how long of it the box waited for a core that others had.
    """

    box: Box
    environment: Mapping[str, str]
    command: Sequence[str | Path] | None = None
    ready_s: list[float] = field(default_factory=list)
    starved_s: list[float] = field(default_factory=list)

    def begin(self) -> float:
        """Start the process; return when."""
        began_s = time.monotonic()
        data = self.box.data
        with (data.parent / "serve.log").open("ab") as log:
            self.box.process = subprocess.Popen(
                self.command or (SPIRA, "serve", "--data", data),
                stdout=log,
                stderr=log,
                env={**os.environ, "SPIRA_PORT": str(self.box.port), **self.environment},
            )
        return began_s

    def ready(self, began_s: float, *, until_s: float | None = None) -> bool:
        """Wait until the box is ready and note how long that took.

        Returns False if it is not by `until_s`, or if it ended before.
        """
        process = self.box.process
        assert process is not None
        while time.monotonic() - began_s < GIVEN_UP_AFTER_S:
            late = until_s is not None and time.monotonic() >= until_s
            if late or process.poll() is not None:
                return False
            if _is_ready(self.box.port):
                self.ready_s.append(time.monotonic() - began_s)
                self.starved_s.append(_starved_s(process.pid))
                return True
            time.sleep(POLL_S)
        raise AssertionError(f"not ready within {GIVEN_UP_AFTER_S} s")

    def log(self) -> str:
        """Return the last words of the server."""
        return (self.box.data.parent / "serve.log").read_text(errors="replace")[-4_000:]

    def assert_within_the_limit(self) -> None:
        """Hold the box to the limit; what others took of the machine is not its own."""
        own_s = [
            ready - starved for ready, starved in zip(self.ready_s, self.starved_s, strict=True)
        ]
        assert max(own_s) <= READY_WITHIN_S, sorted(own_s)[-5:]

    def summary(self) -> str:
        """Say how long it took."""
        return (
            f"{len(self.ready_s)} starts, {statistics.median(self.ready_s):.2f} s in the median,"
            f" {max(self.ready_s):.2f} s at most (limit {READY_WITHIN_S:.0f} s,"
            f" of it {max(self.starved_s):.2f} s at most without a core)"
        )


def _is_ready(port: int) -> bool:
    """Whether the box says so."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=1.0)
    try:
        line.request("GET", "/health/ready")
        return line.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()


def _starved_s(pid: int) -> float:
    """Return how long the main thread of a process was ready to run and had no core.

    Linux counts that in nanoseconds: /proc/PID/schedstat, the second number.
    """
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
