"""The contract of Predictor, kept by ONNX Runtime and by the fake."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import numpy as np
import pytest
from numpy.typing import NDArray

from appliance.adapters.onnx_predictor import ConfinedPredictor, OnnxPredictor
from appliance.core.errors import GraphRefused, ModelUnavailable, PredictionFailed
from appliance.core.manifest import RuntimeRange
from appliance.ports import Predictor
from tests.bundle_builders import graph_bytes
from tests.fakes_models import FakePredictor, Inputs

GRAPH = graph_bytes("loudest")
SHA256 = hashlib.sha256(GRAPH).hexdigest()


def loudest(inputs: Inputs) -> float:
    """Return what the graph `loudest` answers."""
    return float(inputs["sustentada"].max())


@pytest.fixture(params=["fake", "real", "confined"])
def predictor(request: pytest.FixtureRequest) -> Iterator[Predictor]:
    """Each predictor in turn, with nothing loaded."""
    with ExitStack() as opened:
        if request.param == "real":
            yield OnnxPredictor()
        elif request.param == "confined":
            yield opened.enter_context(closing(ConfinedPredictor()))
        else:
            yield FakePredictor(answers={SHA256: loudest})


@pytest.fixture
def loaded(predictor: Predictor) -> Predictor:
    """Each predictor in turn, with the graph `loudest` loaded."""
    predictor.ensure_loaded(SHA256, lambda: GRAPH)
    return predictor


def sound(*samples: float) -> dict[str, NDArray[np.float32]]:
    """Return the input of `loudest`."""
    return {"sustentada": np.array([samples], np.float32)}


def never() -> bytes:
    """Be asked for a graph that is there already."""
    pytest.fail("the graph was read again")


def test_a_graph_is_read_once(loaded: Predictor) -> None:
    """Loaded is loaded: the bytes are not asked for again until it is unloaded."""
    loaded.ensure_loaded(SHA256, never)
    assert loaded.loaded() == {SHA256}
    loaded.unload(SHA256)
    loaded.unload(SHA256)
    assert loaded.loaded() == frozenset()
    loaded.ensure_loaded(SHA256, lambda: GRAPH)
    assert loaded.loaded() == {SHA256}


def test_a_loaded_graph_scores(loaded: Predictor) -> None:
    """The probability is the graph's own, as often as it is asked."""
    for _ in range(3):
        assert loaded.score(SHA256, sound(0.25, 0.75, 0.5), timeout_s=10).probability == 0.75


def test_many_threads_share_it(loaded: Predictor) -> None:
    """Each gets the answer to its own question."""
    questions = [number / 64 for number in range(64)]
    with ThreadPoolExecutor(4) as threads:
        answers = threads.map(
            lambda p: loaded.score(SHA256, sound(p, 0.0), timeout_s=10).probability, questions
        )
        assert list(answers) == questions


def test_many_threads_load_one_session(predictor: Predictor) -> None:
    """Nobody is answered before the graph is there."""

    def load_and_score(_: int) -> float:
        predictor.ensure_loaded(SHA256, lambda: GRAPH)
        return predictor.score(SHA256, sound(0.5), timeout_s=10).probability

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(load_and_score, range(32))) == {0.5}
    assert predictor.loaded() == {SHA256}


def test_what_is_not_loaded_is_unavailable(predictor: Predictor) -> None:
    """Nothing is loaded while somebody waits for an answer."""
    with pytest.raises(ModelUnavailable):
        predictor.score(SHA256, sound(0.5), timeout_s=10)


def test_bytes_are_those_of_the_digest(predictor: Predictor) -> None:
    """What runs is what was signed: another graph under this digest is refused."""
    with pytest.raises(ModelUnavailable):
        predictor.ensure_loaded(SHA256, lambda: graph_bytes("voice"))
    assert predictor.loaded() == frozenset()


def test_what_is_no_graph_is_refused(predictor: Predictor) -> None:
    """Also where its digest is right; and the next graph is loaded as if nothing was."""
    junk = b"junk" * 100
    with pytest.raises(GraphRefused):
        predictor.ensure_loaded(hashlib.sha256(junk).hexdigest(), lambda: junk)
    predictor.ensure_loaded(SHA256, lambda: GRAPH)
    assert predictor.loaded() == {SHA256}


def test_a_graph_that_cannot_be_read_is_not_loaded(predictor: Predictor) -> None:
    """The store's own refusal comes through, and loading may be tried again."""

    def unreadable() -> bytes:
        raise ModelUnavailable(reason="damaged")

    with pytest.raises(ModelUnavailable):
        predictor.ensure_loaded(SHA256, unreadable)
    predictor.ensure_loaded(SHA256, lambda: GRAPH)
    assert predictor.loaded() == {SHA256}


@pytest.mark.parametrize(
    ("sample", "reason"),
    [(1.5, "output-range"), (-0.5, "output-range"), (float("inf"), "output-not-finite")],
)
def test_what_is_no_probability_fails(loaded: Predictor, sample: float, reason: str) -> None:
    """An answer outside 0 to 1 is none, and the next question is answered."""
    with pytest.raises(PredictionFailed) as failed:
        loaded.score(SHA256, sound(sample), timeout_s=10)
    assert failed.value.details["reason"] == reason
    assert loaded.score(SHA256, sound(0.5), timeout_s=10).probability == 0.5


def test_its_version_can_be_compared(predictor: Predictor) -> None:
    """With the range of a manifest."""
    assert RuntimeRange(minimum="1.20", below="2").includes(predictor.runtime_version())
