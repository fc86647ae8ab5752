"""The process in which graphs are tried: limits first, then one question after the other.

Started by `ConfinedPredictor` alone, which reads its answers and ends it when they are late.
"""

from __future__ import annotations

import resource
import sys
from typing import Final

import numpy as np

from appliance.adapters.onnx_predictor.frames import Frame, FrameBroken, receive, send
from appliance.adapters.onnx_predictor.memory import GRAPH_MEMORY_BYTES
from appliance.adapters.onnx_predictor.predictor import OnnxPredictor
from appliance.core.errors import ApplianceError

_NOTHING: Final = (0, 0)


def main() -> None:
    """Answer until nobody asks any more."""
    # Not a byte to any file, be it a core dump: recordings may be in here.
    resource.setrlimit(resource.RLIMIT_FSIZE, _NOTHING)
    resource.setrlimit(resource.RLIMIT_CORE, _NOTHING)
    resource.setrlimit(resource.RLIMIT_DATA, (GRAPH_MEMORY_BYTES, GRAPH_MEMORY_BYTES))
    predictor: OnnxPredictor | None = None
    while True:
        try:
            asked = receive(sys.stdin.buffer, max_bytes=GRAPH_MEMORY_BYTES)
        except FrameBroken:
            return
        _limit_cpu(_number(asked, "cpu_s"))
        if predictor is None:
            predictor = OnnxPredictor(warm_up_timeout_s=_number(asked, "warm_up_timeout_s"))
        send(sys.stdout.buffer, Frame(head=_answer(asked, predictor)))


def _answer(asked: Frame, predictor: OnnxPredictor) -> dict[str, object]:
    try:
        return _done(asked, predictor)
    except ApplianceError as fault:
        return {"fault": fault.code, "detail": fault.detail, "details": dict(fault.details)}


def _done(asked: Frame, predictor: OnnxPredictor) -> dict[str, object]:
    graph_sha256 = str(asked.head.get("graph_sha256"))
    match asked.head.get("do"):
        case "load":
            predictor.ensure_loaded(graph_sha256, lambda: asked.pieces[0])
        case "unload":
            predictor.unload(graph_sha256)
        case "score":
            scores = predictor.score(
                graph_sha256, _inputs(asked), timeout_s=_number(asked, "timeout_s")
            )
            return {"probability": scores.probability, "raw_output": scores.raw_output}
        case _:
            return {"version": predictor.runtime_version()}
    return {}


def _inputs(asked: Frame) -> dict[str, np.typing.NDArray[np.float32]]:
    """Return the inputs by name; each has one row."""
    names = asked.head["names"]
    assert isinstance(names, list)  # noqa: S101 - our own process asks
    return {
        name: np.frombuffer(piece, np.float32).reshape(1, -1)
        for name, piece in zip(names, asked.pieces, strict=True)
    }


def _number(asked: Frame, name: str) -> float:
    return float(str(asked.head[name]))


def _limit_cpu(seconds: float) -> None:
    """Let the kernel end this process after so much work, also when nobody is left to do it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main()
