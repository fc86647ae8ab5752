"""The exported graph, run as the box runs it: ONNX Runtime, one thread, no spinning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from appliance.core.errors import GraphRefused, PredictionFailed
from appliance.core.manifest import METADATA_INPUT, MetadataField
from appliance.core.metadata import encode_metadata
from appliance.core.scores import read_scores
from models.first_line import first_line
from models.onnxruntime_import import onnxruntime as ort
from models.onnxruntime_import import onnxruntime_pybind11_state as ort_state

_FATAL_ONLY = 4

# What ONNX Runtime raises shares no class but Exception.
_ORT_ERRORS = (
    ort_state.Fail,
    ort_state.InvalidArgument,
    ort_state.InvalidGraph,
    ort_state.InvalidProtobuf,
    ort_state.NotImplemented,
    ort_state.RuntimeException,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scored:
    """What a model said: `windows` is float32[n_windows], its raw output, empty if it has none."""

    probability: float
    windows: NDArray[np.float32]


class GraphRun:
    """One session; roles that are missing from `waveforms` are given as `[1, 0]`."""

    def __init__(
        self, graph: bytes, roles: Sequence[str], fields: Sequence[MetadataField] = ()
    ) -> None:
        """Load the graph.

        Args:
            graph: bytes of the ONNX file.
            roles: names of its inputs.
            fields: of its input `metadata`; without any it has none.

        Raises:
            GraphRefused: ONNX Runtime cannot load it.
        """
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = _FATAL_ONLY
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = ort.InferenceSession(
                graph, options, providers=["CPUExecutionProvider"], enable_fallback=0
            )
        except _ORT_ERRORS as error:
            raise GraphRefused(
                f"ONNX Runtime cannot load it: {first_line(error)}", reason="load"
            ) from error
        self._roles = tuple(roles)
        self._fields = tuple(fields)
        self._outputs = [output.name for output in self._session.get_outputs()]

    def __call__(
        self,
        waveforms: Mapping[str, NDArray[np.float32]],
        form: Mapping[str, object] | None = None,
    ) -> Scored:
        """Return the scores of float32[n_samples] waveforms at 16 kHz by role, and of answers.

        Raises:
            PredictionFailed: it cannot be run, or an answer or an output is not what the contract
                says.
        """
        absent = np.zeros(0, dtype=np.float32)
        feed = {role: waveforms.get(role, absent)[np.newaxis] for role in self._roles}
        if self._fields:
            feed[METADATA_INPUT] = encode_metadata(form or {}, self._fields)
        return self.scored(feed)

    def scored(self, inputs: Mapping[str, NDArray[np.float32]]) -> Scored:
        """Return the scores of inputs as `core.model_inputs` makes them.

        Raises:
            PredictionFailed: it cannot be run, or an output is not what the contract says.
        """
        try:
            outputs = self._session.run(self._outputs, dict(inputs))
        except _ORT_ERRORS as error:
            raise PredictionFailed(
                f"ONNX Runtime cannot run it: {first_line(error)}", reason="run"
            ) from error
        found = read_scores(dict(zip(self._outputs, outputs, strict=True)))
        windows = np.array(found.raw_output, dtype=np.float32)
        return Scored(probability=found.probability, windows=windows)
