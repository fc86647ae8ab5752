"""A real MLflow server of one's own: SQLite, and artifacts where it is told to keep them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import requests

_STARTS_WITHIN_S = 60.0


class Server:
    """A server that can be stopped and started again at the same address."""

    def __init__(
        self,
        directory: Path,
        *,
        artifacts: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Choose a free port; nothing runs yet.

        Args:
            directory: of its database and log.
            artifacts: its options that say where they are; it hands them out itself unless told.
            environment: what it knows beside the test's own.
        """
        self.directory = directory
        self._artifacts = artifacts or ("--artifacts-destination", str(directory / "artifacts"))
        self._environment = dict(environment or {})
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and return when it answers."""
        command = [
            *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
            *("--host", "127.0.0.1", "--port", str(self.port)),
            *("--backend-store-uri", f"sqlite:///{self.directory / 'server.db'}"),
            *self._artifacts,
        ]
        with (self.directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={
                    **os.environ,
                    **self._environment,
                    "MLFLOW_DISABLE_TELEMETRY": "true",
                    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
                },
            )
        ends = time.monotonic() + _STARTS_WITHIN_S
        while not self._answers():
            assert self._process.poll() is None, (self.directory / "server.log").read_text()
            assert time.monotonic() < ends, (self.directory / "server.log").read_text()
            time.sleep(0.1)

    def stop(self) -> None:
        """End it and what it started."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.uri}/health", timeout=1).ok
        except requests.RequestException:
            return False
