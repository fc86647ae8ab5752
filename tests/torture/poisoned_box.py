"""A box that serves as `spira serve` does, but dies whenever it scores a marked recording.

Run as a program: the data directory, and how many samples a marked `sustentada` has at most.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from appliance import process, server
from appliance.bootstrap import notifier, open_appliance
from appliance.core.scores import Scores
from appliance.logs import start_logging
from appliance.one_server import only_server
from appliance.ports import Predictor
from appliance.settings import read_settings


@dataclass(frozen=True, kw_only=True)
class PoisonedPredictor:
    """The real predictor, but for a recording that ends the process as a fault in C would."""

    real: Predictor
    n_poison_samples: int

    def runtime_version(self) -> str:
        """See the port."""
        return self.real.runtime_version()

    def ensure_loaded(self, graph_sha256: str, graph: Callable[[], bytes]) -> None:
        """See the port."""
        self.real.ensure_loaded(graph_sha256, graph)

    def unload(self, graph_sha256: str) -> None:
        """See the port."""
        self.real.unload(graph_sha256)

    def loaded(self) -> frozenset[str]:
        """See the port."""
        return self.real.loaded()

    def score(
        self, graph_sha256: str, inputs: Mapping[str, NDArray[np.float32]], *, timeout_s: float
    ) -> Scores:
        """See the port; a marked recording ends the process."""
        if inputs["sustentada"].shape[-1] <= self.n_poison_samples:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.real.score(graph_sha256, inputs, timeout_s=timeout_s)


def main(directory: Path, n_poison_samples: int) -> None:
    """Serve until told to stop, or until poison."""
    settings = read_settings(os.environ, directory=directory)
    start_logging(settings.log_level)
    storage_failed = threading.Event()
    with only_server(directory), open_appliance(settings) as box:
        predictor = PoisonedPredictor(real=box.predictor, n_poison_samples=n_poison_samples)
        process.serve(
            server.create_app(replace(box, predictor=predictor), storage_failed=storage_failed),
            sockets=process.listening_sockets(
                settings.host, settings.port, environment=os.environ, pid=os.getpid()
            ),
            shutdown_s=settings.shutdown_s,
            storage_failed=storage_failed,
            notify=notifier(),
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
