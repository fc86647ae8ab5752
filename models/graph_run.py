"""The exported graph, run as the box runs it: ONNX Runtime, one thread, no spinning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.onnxruntime_import import onnxruntime as ort

_ERRORS_ONLY = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scored:
    """What the graph said: `windows` is float32[n_windows]."""

    probability: float
    windows: NDArray[np.float32]


class GraphRun:
    """One session; roles that are missing from `waveforms` are given as `[1, 0]`."""

    def __init__(self, graph: bytes, roles: Sequence[str]) -> None:
        """Load the graph.

        Args:
            graph: bytes of the ONNX file.
            roles: names of its inputs.
        """
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._roles = tuple(roles)

    def __call__(self, waveforms: Mapping[str, NDArray[np.float32]]) -> Scored:
        """Return the scores of float32[n_samples] waveforms at 16 kHz by role."""
        absent = np.zeros(0, dtype=np.float32)
        feed = {role: waveforms.get(role, absent)[np.newaxis] for role in self._roles}
        probability, windows = self._session.run(["probability", "raw_output"], feed)
        return Scored(probability=float(probability[0]), windows=windows[0])
