"""Graphs tried in a process of their own: whatever one does there, it ends there.

Nothing within ONNX Runtime bounds the making of a session: constants are worked out meanwhile,
for hours if the graph wants it, and a fault of the runtime would end the process.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from appliance.adapters.onnx_predictor.frames import Frame, FrameBroken, Head, receive, send
from appliance.core.errors import (
    GraphRefused,
    ModelFault,
    ModelUnavailable,
    PredictionFailed,
    PredictionTimeout,
)
from appliance.core.scores import PROBABILITY_OUTPUT, RAW_OUTPUT, Scores, read_scores

_CHILD: Final = "appliance.adapters.onnx_predictor.child"
_FAULTS: Final[Mapping[str, type[ModelFault]]] = {
    fault.code: fault
    for fault in (GraphRefused, ModelUnavailable, PredictionFailed, PredictionTimeout)
}
_DETAILS: Final = ("reason", "cause", "graph_sha256", "timeout_s")


class _Late(FrameBroken):
    """The process was ended because it had not answered in time."""


class ConfinedPredictor:
    """Fills the port Predictor: one graph at a time is tried or run, in a process with limits.

    The process has the memory of `GRAPH_MEMORY_BYTES`, writes no file, and is ended when it is
    late; the next question finds a new one with nothing loaded. For consoles: a server that
    scores all day keeps its sessions at hand (`OnnxPredictor`).
    """

    def __init__(self, warm_up_timeout_s: float = 30.0, *, grace_s: float = 15.0) -> None:
        """Start nothing yet.

        Args:
            warm_up_timeout_s: a graph that needs longer for five seconds of silence is refused;
                so is one whose session is not made in twice that time.
            grace_s: beyond what the process is to keep itself: for its start and for the inputs.
        """
        self._grace_s = grace_s
        self._warm_up_timeout_s = warm_up_timeout_s
        self._child: subprocess.Popen[bytes] | None = None
        self._loaded: set[str] = set()
        self._lock = threading.RLock()

    def runtime_version(self) -> str:
        """Return the version of ONNX Runtime. Raises PredictionFailed (`process`)."""
        try:
            return str(self._asked({"do": "version"}, within_s=0.0).get("version"))
        except FrameBroken as error:
            raise PredictionFailed("Its process does not start.", reason="process") from error

    def ensure_loaded(self, graph_sha256: str, graph: Callable[[], bytes]) -> None:
        """Load and warm up the graph over there unless it is loaded.

        Raises:
            ModelUnavailable: from `graph`, or its bytes have another digest.
            GraphRefused: `load`, `warm-up`, `too-slow`, or `process`: that which tried it ended.
        """
        with self._lock:
            if graph_sha256 in self._loaded:
                return
            asked = {"do": "load", "graph_sha256": graph_sha256}
            try:
                self._asked(asked, [graph()], within_s=3 * self._warm_up_timeout_s)
            except _Late as error:
                raise GraphRefused("It takes too long to load.", reason="too-slow") from error
            except FrameBroken as error:
                raise GraphRefused(
                    "It ends the process that tries it.", reason="process"
                ) from error
            self._loaded.add(graph_sha256)

    def unload(self, graph_sha256: str) -> None:
        """Forget the session; unknown graphs are no error."""
        with self._lock:
            if graph_sha256 in self._loaded:
                self._loaded.discard(graph_sha256)
                with suppress(FrameBroken):  # then nothing is loaded at all
                    self._asked({"do": "unload", "graph_sha256": graph_sha256}, within_s=0.0)

    def loaded(self) -> frozenset[str]:
        """Return the digests of the graphs that have a session."""
        return frozenset(self._loaded.copy())

    def score(
        self, graph_sha256: str, inputs: Mapping[str, NDArray[np.float32]], *, timeout_s: float
    ) -> Scores:
        """Run a loaded graph once; a run that does not end after `timeout_s` ends its process.

        Raises:
            ModelUnavailable: the graph is not loaded.
            PredictionTimeout: it was ended.
            PredictionFailed: `run`, `process`, or a reason of `read_scores`.
        """
        asked: Head = {
            "do": "score",
            "graph_sha256": graph_sha256,
            "names": list(inputs),
            "timeout_s": timeout_s,
        }
        pieces = [np.ascontiguousarray(array, np.float32).tobytes() for array in inputs.values()]
        with self._lock:
            if graph_sha256 not in self._loaded:
                raise ModelUnavailable(graph_sha256=graph_sha256, reason="not-loaded")
            try:
                return _scores(self._asked(asked, pieces, within_s=timeout_s))
            except _Late as error:
                raise PredictionTimeout(timeout_s=timeout_s) from error
            except FrameBroken as error:
                raise PredictionFailed("It ended its process.", reason="process") from error

    def close(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            child, self._child = self._child, None
            self._loaded.clear()
            if child is not None:
                child.kill()
                child.communicate()

    def _asked(self, head: Head, pieces: Sequence[bytes] = (), *, within_s: float) -> Head:
        """Return the answer to a question.

        Raises:
            FrameBroken: there is none, and no process any more.
            ModelFault: what went wrong over there.
        """
        limit_s = within_s + self._grace_s
        limits = {"cpu_s": limit_s, "warm_up_timeout_s": self._warm_up_timeout_s}
        with self._lock, self._ended_after(limit_s) as (questions, answers):
            send(questions, Frame(head={**head, **limits}, pieces=pieces))
            answer = receive(answers, max_bytes=0).head
        if "fault" in answer:
            raise _fault(answer)
        return answer

    @contextmanager
    def _ended_after(self, seconds: float) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
        """Give the pipes of the process, which is ended when it is late, or once it is broken.

        Raises:
            _Late: instead of what was raised since it was late.
        """
        child = self._child = self._child or _started()
        assert child.stdin is not None  # noqa: S101 - as asked for
        assert child.stdout is not None  # noqa: S101 - as asked for
        late = threading.Event()

        def end() -> None:
            late.set()
            child.kill()

        watchdog = threading.Timer(seconds, end)
        watchdog.daemon = True
        watchdog.start()
        try:
            yield child.stdin, child.stdout
        except FrameBroken as error:
            self.close()
            raise (_Late if late.is_set() else FrameBroken) from error
        except BaseException:
            self.close()
            raise
        finally:
            watchdog.cancel()


def _started() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-I", "-B", "-m", _CHILD]
    return subprocess.Popen(  # noqa: S603 - ourselves
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


def _fault(answer: Head) -> ModelFault:
    """Return what was raised over there; of its details only plain ones that are known."""
    fault = _FAULTS.get(str(answer["fault"]), PredictionFailed)
    found = answer.get("details")
    details = found if isinstance(found, dict) else {}
    known = {name: details[name] for name in _DETAILS if isinstance(details.get(name), str | float)}
    return fault(str(answer.get("detail", "")), **known)


def _scores(answer: Head) -> Scores:
    """Return the scores, looked at once more: a graph may have taken over its process.

    Raises:
        FrameBroken: there are none.
        PredictionFailed: from `read_scores`.
    """
    try:
        outputs = {PROBABILITY_OUTPUT: np.array([answer["probability"]], np.float32)}
        if answer["raw_output"]:
            outputs[RAW_OUTPUT] = np.array([answer["raw_output"]], np.float32)
    except (LookupError, TypeError, ValueError) as error:
        raise FrameBroken from error
    return read_scores(outputs)
