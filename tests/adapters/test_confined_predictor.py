"""Graphs that are bad for a process, in the one that is made for them."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from appliance.adapters.onnx_predictor import ConfinedPredictor
from appliance.core.errors import (
    GraphRefused,
    ModelUnavailable,
    PredictionFailed,
    PredictionTimeout,
)
from tests.bundle_builders import graph_bytes

QUIET = {"sustentada": np.full((1, 9), 0.25, np.float32)}
LOUD = {"sustentada": np.full((1, 9), 0.75, np.float32)}
LATEST_S = 30.0


@pytest.fixture
def predictor() -> Iterator[ConfinedPredictor]:
    """A predictor whose limits are soon reached."""
    with closing(ConfinedPredictor(warm_up_timeout_s=1.0, grace_s=5.0)) as predictor:
        yield predictor


def load(predictor: ConfinedPredictor, graph: str) -> str:
    """Load a graph and return its digest."""
    content = graph_bytes(graph)
    sha256 = hashlib.sha256(content).hexdigest()
    predictor.ensure_loaded(sha256, lambda: content)
    return sha256


def children() -> set[int]:
    """Return the processes that this one started and that have not ended."""
    return {
        int(pid)
        for path in Path("/proc/self/task").glob("*/children")
        for pid in path.read_text().split()
    }


def test_a_graph_that_never_ends_loading_is_refused(predictor: ConfinedPredictor) -> None:
    """Nothing in ONNX Runtime ends the making of a session; the next graph is loaded."""
    began_s = time.monotonic()
    with pytest.raises(GraphRefused) as refused:
        load(predictor, "ponderous")
    assert refused.value.details["reason"] == "too-slow"
    assert time.monotonic() - began_s < LATEST_S
    assert predictor.score(load(predictor, "loudest"), QUIET, timeout_s=10).probability == 0.25


def test_a_run_within_one_operator_is_ended(predictor: ConfinedPredictor) -> None:
    """ONNX Runtime looks between two operators only whether it is to end."""
    unstoppable = load(predictor, "unstoppable")
    assert predictor.score(unstoppable, QUIET, timeout_s=1).probability == 0.25
    began_s = time.monotonic()
    with pytest.raises(PredictionTimeout):
        predictor.score(unstoppable, LOUD, timeout_s=1)
    assert time.monotonic() - began_s < LATEST_S


def test_a_run_that_ends_its_process_fails(predictor: ConfinedPredictor) -> None:
    """By name; it is loaded anew for the next question, and nobody is left behind."""
    before = children()
    loudest = load(predictor, "loudest")
    (child,) = children() - before
    os.kill(child, signal.SIGKILL)
    with pytest.raises(PredictionFailed) as failed:
        predictor.score(loudest, QUIET, timeout_s=10)
    assert failed.value.details["reason"] == "process"
    with pytest.raises(ModelUnavailable):
        predictor.score(loudest, QUIET, timeout_s=10)
    assert predictor.score(load(predictor, "loudest"), QUIET, timeout_s=10).probability == 0.25
    predictor.close()
    assert children() == before


def test_a_graph_that_ends_its_process_is_refused(predictor: ConfinedPredictor) -> None:
    """As a fault of the runtime would."""
    before = children()
    load(predictor, "loudest")
    (child,) = children() - before
    os.kill(child, signal.SIGKILL)
    with pytest.raises(GraphRefused) as refused:
        load(predictor, "scanning")
    assert refused.value.details["reason"] == "process"


def test_it_may_write_nothing_and_take_no_more_than_its_share(
    predictor: ConfinedPredictor,
) -> None:
    """The kernel keeps the limits, not the process."""
    before = children()
    load(predictor, "loudest")
    (child,) = children() - before
    limits = Path(f"/proc/{child}/limits").read_text()
    found = {line[:25].strip(): line[25:].split()[:2] for line in limits.splitlines()}
    assert found["Max file size"] == ["0", "0"]
    assert found["Max core file size"] == ["0", "0"]
    assert found["Max data size"] == [str(3 * 1024**3)] * 2
    assert int(found["Max cpu time"][0]) < LATEST_S
