"""A real server process that starts at once: forked from one that has loaded everything."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Final

import httpx

from tests.system.boxes import free_port

READY_WITHIN_S: Final = 30.0
FAILS_WITHIN_S: Final = 8.0
_LOADED: Final = (
    "appliance.adapters.onnx_predictor.onnxruntime_import",
    "appliance.bootstrap",
    "appliance.commands.serve",
    "appliance.process",
    "appliance.server",
    "cli",
    "tests.torture.served",
)


@dataclass(frozen=True, kw_only=True)
class Served:
    """A server process.

    Attributes:
        log: what it said.
    """

    process: ForkServerProcess
    address: str
    log: Path

    def becomes_ready(self, *, may_fail: bool = False) -> bool:
        """Wait until it is ready; False if it left before, or may fail and does so for long."""
        deadline = time.monotonic() + (FAILS_WITHIN_S if may_fail else READY_WITHIN_S)
        while self.process.is_alive():
            try:
                answer = httpx.get(f"{self.address}/health/ready", timeout=5)
            except httpx.TransportError:
                time.sleep(0.01)
                continue
            if answer.status_code == httpx.codes.OK:
                return True
            assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
            if may_fail and time.monotonic() >= deadline:
                return False
            assert time.monotonic() < deadline, f"not ready: {answer.text} {self.log.read_text()}"
            time.sleep(0.02)
        return False

    def ended(self, within_s: float) -> int | None:
        """Return its exit status, or None if it is still there after so long."""
        self.process.join(within_s)
        return self.process.exitcode

    def stop(self) -> None:
        """Ask it to stop in order."""
        if self.process.pid is not None and self.process.is_alive():
            os.kill(self.process.pid, signal.SIGTERM)


@contextmanager
def served(data: Path, log: Path) -> Iterator[Served]:
    """Start `spira serve` on a data directory; whatever happens, it is gone afterwards."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_LOADED))
    port = free_port()
    process = context.Process(target=_serve, args=(str(data), port, str(log)))
    process.start()
    try:
        yield Served(process=process, address=f"http://127.0.0.1:{port}", log=log)
    finally:
        process.kill()
        process.join()
        process.close()


def _serve(data: str, port: int, log: str) -> None:
    said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(said, 1)
    os.dup2(said, 2)
    # What failed to load is tried again a second later, not a minute.
    os.environ["SPIRA_RECONCILE_EVERY_S"] = "1"
    sys.argv = ["spira", "serve", "--port", str(port), "--data", data]
    from cli import main  # noqa: PLC0415 - only here, where everything is loaded

    main()
