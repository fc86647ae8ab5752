"""ONNX Runtime in this process: one session a graph, shared by all threads.

Options: reference measurements on two cores. One thread a run and as many runs as cores beats
one run on all cores, and without a pool nothing spins between runs.
"""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import numpy as np

from appliance.adapters.onnx_predictor.memory import limit_memory
from appliance.adapters.onnx_predictor.onnxruntime_import import onnxruntime as ort
from appliance.adapters.onnx_predictor.onnxruntime_import import (
    onnxruntime_pybind11_state as ort_state,
)
from appliance.core.errors import (
    GraphRefused,
    ModelUnavailable,
    PredictionFailed,
    PredictionTimeout,
)
from appliance.core.scores import Scores, read_scores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

WARM_UP_SAMPLES: Final = 80_000
"""Enough for a window of every role, so that the first patient does not pay for the arena."""

_FATAL_ONLY: Final = 4

# What ONNX Runtime raises shares no class but Exception.
_ORT_ERRORS: Final = (
    ort_state.EPFail,
    ort_state.EngineError,
    ort_state.Fail,
    ort_state.InvalidArgument,
    ort_state.InvalidGraph,
    ort_state.InvalidProtobuf,
    ort_state.NoModel,
    ort_state.NoSuchFile,
    ort_state.NotFound,
    ort_state.NotImplemented,
    ort_state.RuntimeException,
    MemoryError,
    RuntimeError,
    ValueError,
)


class OnnxPredictor:
    """Fills the port Predictor."""

    def __init__(self, warm_up_timeout_s: float = 30.0) -> None:
        """Hold no session yet.

        Args:
            warm_up_timeout_s: a graph that needs longer for five seconds of silence is refused.
        """
        limit_memory()
        self._warm_up_timeout_s = warm_up_timeout_s
        self._sessions: dict[str, ort.InferenceSession] = {}
        self._lock = threading.Lock()
        self._loading: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def runtime_version(self) -> str:
        """Return the version of ONNX Runtime, for the manifest's range."""
        return str(ort.__version__)

    def ensure_loaded(self, graph_sha256: str, graph: Callable[[], bytes]) -> None:
        """Load and warm up the graph unless it is loaded; others wait for the one that loads.

        Making a session holds the interpreter's lock for some 10 ms (microsoft/onnxruntime
        issue 27063), so this is called ahead of requests wherever that is possible.

        Args:
            graph_sha256: its digest and key.
            graph: called for the bytes only when they are needed.

        Raises:
            ModelUnavailable: from `graph`, or its bytes have another digest.
            GraphRefused: `load` or `warm-up`: this box cannot run it.
        """
        if graph_sha256 in self._sessions:
            return
        with self._lock:
            loading = self._loading[graph_sha256]
        with loading:
            if graph_sha256 not in self._sessions:
                session = self._session(graph_sha256, graph())
                self._sessions[graph_sha256] = session

    def unload(self, graph_sha256: str) -> None:
        """Forget the session; a run that uses it ends first. Unknown graphs are no error."""
        self._sessions.pop(graph_sha256, None)

    def loaded(self) -> frozenset[str]:
        """Return the digests of the graphs that have a session."""
        return frozenset(self._sessions.copy())

    def close(self) -> None:
        """Forget every session."""
        self._sessions.clear()

    def score(
        self, graph_sha256: str, inputs: Mapping[str, NDArray[np.float32]], *, timeout_s: float
    ) -> Scores:
        """Run a loaded graph once; the run is ended between two operators after `timeout_s`.

        Raises:
            ModelUnavailable: the graph is not loaded.
            PredictionTimeout: it was ended.
            PredictionFailed: `run`, or a reason of `read_scores`.
        """
        session = self._sessions.get(graph_sha256)
        if session is None:
            raise ModelUnavailable(graph_sha256=graph_sha256, reason="not-loaded")
        return _run(session, inputs, timeout_s=timeout_s)

    def _session(self, graph_sha256: str, graph: bytes) -> ort.InferenceSession:
        if hashlib.sha256(graph).hexdigest() != graph_sha256:
            raise ModelUnavailable(graph_sha256=graph_sha256, reason="damaged")
        try:
            # Without the fallback, which tries the same again and prints about it.
            session = ort.InferenceSession(
                graph,
                sess_options=_options(),
                providers=["CPUExecutionProvider"],
                enable_fallback=0,
            )
            silence = _silence(session)
        except _ORT_ERRORS as error:
            raise GraphRefused("ONNX Runtime cannot load it.", reason="load") from error
        try:
            _run(session, silence, timeout_s=self._warm_up_timeout_s)
        except (PredictionFailed, PredictionTimeout) as error:
            raise GraphRefused(
                "It cannot score five seconds of silence.", reason="warm-up", cause=error.code
            ) from error
        return session


def _options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    # What goes wrong comes back as an exception; the runtime's own log may quote inputs.
    options.log_severity_level = _FATAL_ONLY
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return options


def _run(
    session: ort.InferenceSession, inputs: Mapping[str, NDArray[np.float32]], *, timeout_s: float
) -> Scores:
    run_options = ort.RunOptions()
    run_options.log_severity_level = _FATAL_ONLY
    with _watched(run_options, timeout_s) as ended:
        try:
            names = [output.name for output in session.get_outputs()]
            outputs = session.run(names, dict(inputs), run_options)
        except _ORT_ERRORS as error:
            if ended.is_set():
                raise PredictionTimeout(timeout_s=timeout_s) from error
            raise PredictionFailed("ONNX Runtime could not run it.", reason="run") from error
    return read_scores(dict(zip(names, outputs, strict=True)))


@contextmanager
def _watched(run_options: ort.RunOptions, timeout_s: float) -> Iterator[threading.Event]:
    """End the run after `timeout_s`; the event tells whether that happened."""
    ended = threading.Event()

    def end() -> None:
        ended.set()
        run_options.terminate = True

    watchdog = threading.Timer(timeout_s, end)
    watchdog.daemon = True
    watchdog.start()
    try:
        yield ended
    finally:
        watchdog.cancel()


def _silence(session: ort.InferenceSession) -> dict[str, NDArray[np.float32]]:
    """Return zeros for every input: five seconds at 16 kHz where the length is open."""
    return {
        value.name: np.zeros(
            (1, value.shape[1] if isinstance(value.shape[1], int) else WARM_UP_SAMPLES), np.float32
        )
        for value in session.get_inputs()
    }
