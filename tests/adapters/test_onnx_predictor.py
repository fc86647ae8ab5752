"""ONNX Runtime on real graphs: the right answer, and an end to those that give none."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from appliance.adapters.onnx_predictor import OnnxPredictor
from appliance.core.errors import GraphRefused, PredictionFailed, PredictionTimeout
from appliance.core.model_inputs import build_inputs
from appliance.core.onnx_graph import check_graph, inspect_graph
from appliance.core.wav import read_wav
from tests.bundle_builders import (
    GOLDEN_WAVS,
    a_manifest,
    golden_cases,
    graph_bytes,
)

SEED = 20_260_301
N_MUTATIONS = 500
QUIET = {"sustentada": np.full((1, 9), 0.25, np.float32)}
LOAD_AND_SCORE = """
import sys
from tests.adapters.test_onnx_predictor import QUIET, loaded
predictor, sha256 = loaded("loudest")
predictor.score(sha256, QUIET, timeout_s=10)
assert "onnxruntime" in sys.modules
"""
LOUD = {"sustentada": np.full((1, 9), 0.75, np.float32)}


def loaded(graph: str, predictor: OnnxPredictor | None = None) -> tuple[OnnxPredictor, str]:
    """Return a predictor with a graph, and the graph's digest."""
    predictor = predictor or OnnxPredictor()
    content = graph_bytes(graph)
    sha256 = hashlib.sha256(content).hexdigest()
    predictor.ensure_loaded(sha256, lambda: content)
    return predictor, sha256


def test_recordings_and_answers_become_a_probability() -> None:
    """As worked out without the graph, with and without its optional recording."""
    predictor, sha256 = loaded("voice")
    for case in golden_cases():
        wavs = {role: read_wav(GOLDEN_WAVS[name]) for role, name in case.recordings.items()}
        waveforms = {role: (wav.waveform(), wav.sample_rate_hz) for role, wav in wavs.items()}
        inputs = build_inputs(a_manifest(), waveforms, case.metadata)
        scores = predictor.score(sha256, inputs, timeout_s=10)
        assert scores.probability == pytest.approx(case.probability, abs=1e-6)
        (logit,) = scores.raw_output
        assert 1 / (1 + np.exp(-logit)) == pytest.approx(scores.probability, abs=1e-6)


def test_loading_one_version_keeps_no_other_from_scoring() -> None:
    """While the bytes of a new version are awaited, and while it is loaded, patients are scored."""
    predictor, serving = loaded("loudest")
    content = graph_bytes("voice")
    newer = hashlib.sha256(content).hexdigest()
    asked, may_come = threading.Event(), threading.Event()

    def slow() -> bytes:
        asked.set()
        assert may_come.wait(10)
        return content

    loading = threading.Thread(target=lambda: predictor.ensure_loaded(newer, slow))
    loading.start()
    try:
        assert asked.wait(10)
        predictor.ensure_loaded(serving, lambda: b"not asked for")
        score = predictor.score(serving, QUIET, timeout_s=10)
        assert predictor.loaded() == {serving}
    finally:
        may_come.set()
        loading.join(10)
    assert predictor.loaded() == {serving, newer}
    predictor.unload(serving)
    assert predictor.loaded() == {newer}
    assert 0.0 <= score.probability <= 1.0


def test_an_endless_run_is_ended() -> None:
    """After its time, by name; others score meanwhile, and the session lives on."""
    predictor, endless = loaded("endless")
    _, other = loaded("loudest", predictor)
    faults: list[Exception] = []

    def run() -> None:
        try:
            predictor.score(endless, LOUD, timeout_s=0.4)
        except PredictionTimeout as fault:
            faults.append(fault)

    began_at = time.monotonic()
    thread = threading.Thread(target=run)
    thread.start()
    assert predictor.score(other, QUIET, timeout_s=10).probability == 0.25
    assert thread.is_alive()
    thread.join(timeout=10)
    assert [type(fault) for fault in faults] == [PredictionTimeout]
    assert 0.4 <= time.monotonic() - began_at < 5
    assert predictor.score(endless, QUIET, timeout_s=10).probability == 0.25


@pytest.mark.parametrize("graph", ["enormous", "greedy"])
def test_a_run_that_asks_for_too_much_fails(graph: str) -> None:
    """Four terabytes, and four gigabytes that the machine may have; the session lives on."""
    predictor, sha256 = loaded(graph)
    with pytest.raises(PredictionFailed) as failed:
        predictor.score(sha256, LOUD, timeout_s=10)
    assert failed.value.details["reason"] == "run"
    assert predictor.score(sha256, QUIET, timeout_s=10).probability == 0.0


def test_control_flow_runs() -> None:
    """A Scan over samples gives their squares' sum."""
    predictor, scanning = loaded("scanning")
    assert predictor.score(scanning, QUIET, timeout_s=10).probability == pytest.approx(9 / 16)


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"parlenda": np.zeros((1, 9), np.float32)},
        {"sustentada": np.zeros((1, 9), np.float64)},
        {"sustentada": np.zeros(9, np.float32)},
        {**QUIET, "surprise": np.zeros((1, 9), np.float32)},
        {"sustentada": np.zeros((1, 0), np.float32)},
    ],
)
def test_inputs_that_do_not_fit_fail(inputs: dict[str, NDArray[np.float32]]) -> None:
    """Missing, foreign, mistyped, misshapen, empty: a fault with a name, nothing else."""
    predictor, sha256 = loaded("loudest")
    with pytest.raises(PredictionFailed):
        predictor.score(sha256, inputs, timeout_s=10)


def test_a_graph_that_gives_something_else_is_refused_at_loading() -> None:
    """The warm-up shows what its declared shape hides."""
    with pytest.raises(GraphRefused) as refused:
        loaded("two_probabilities")
    assert refused.value.details["reason"] == "warm-up"


@pytest.mark.parametrize(
    "graph",
    [
        "external_initializer",
        "external_parent",
        "external_absolute",
        "external_in_constant",
        "beyond_the_standard",
    ],
)
def test_a_second_line_of_defence(graph: str) -> None:
    """What inspection refuses, the runtime does not load from bytes either."""
    with pytest.raises(GraphRefused):
        loaded(graph)


def test_external_data_beside_the_process_is_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where the numbers lie in the working directory, under the right name."""
    (tmp_path / "weights.bin").write_bytes(bytes(4))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GraphRefused):
        loaded("external_in_constant")


def test_mutated_graphs_are_refused_or_run(capfd: pytest.CaptureFixture[str]) -> None:
    """Inspected, then loaded: whatever bytes change, a refusal or a session, and no word of it."""
    source = random.Random(SEED)  # noqa: S311 - what to change, not a secret
    predictor = OnnxPredictor(warm_up_timeout_s=5)
    manifest = a_manifest()
    n_run = 0
    for _ in range(N_MUTATIONS):
        mutated = bytearray(graph_bytes())
        mutated[source.randrange(len(mutated))] = source.randrange(256)
        content = bytes(mutated)
        with contextlib.suppress(GraphRefused):
            check_graph(inspect_graph(content), manifest)
            predictor.ensure_loaded(hashlib.sha256(content).hexdigest(), content.__bytes__)
            n_run += 1
    assert 0 < n_run < N_MUTATIONS
    assert capfd.readouterr() == ("", "")


def test_no_thread_is_left_behind() -> None:
    """Each score's watchdog ends with it."""
    predictor, sha256 = loaded("loudest")
    before = threading.active_count()
    for _ in range(50):
        predictor.score(sha256, QUIET, timeout_s=60)
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before


@pytest.mark.parametrize("asked_for", [None, "0"])
def test_it_leaves_no_trace_at_home(tmp_path: Path, asked_for: str | None) -> None:
    """The runtime's telemetry begins with a device id below HOME: none appears, come what may."""
    environment = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG"}}
    environment["HOME"] = str(tmp_path)
    if asked_for is not None:
        environment["ORT_DISABLE_TELEMETRY"] = asked_for

    subprocess.run(
        [sys.executable, "-c", LOAD_AND_SCORE],
        check=True,
        cwd=Path(__file__).parents[2],
        env=environment,
    )

    assert list(tmp_path.rglob("*")) == []
