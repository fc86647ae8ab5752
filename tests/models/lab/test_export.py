"""The exported graph: the same bytes every time, allowed operators, PyTorch's answers."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest

from appliance.core.errors import GoldenMismatch, ParityBroken
from models.golden import GoldenSet, check_golden
from models.golden import waveform as read_waveform
from models.graph_run import GraphRun
from models.onnx_export.graph import export_graph
from models.parity import ODD_TOLERANCE, SPEECH_TOLERANCE, prove_parity
from models.progress import silent
from models.spiraconv.parameters import Parameters
from models.spiraconv.reference import Features, window_probabilities
from models.spiraconv.windows import n_windows
from models.training.examples import waveform
from models.voices.cohort import ROLES, Split, person


def operators(graph: onnx.GraphProto) -> Counter[str]:
    """How often each operator occurs, inner graphs included."""
    found = Counter(node.op_type for node in graph.node)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                found += operators(attribute.g)
    return found


def test_exporting_twice_gives_the_same_bytes(graph: bytes, parameters: Parameters) -> None:
    """No address, path or order of a hash is left in the file."""
    assert export_graph(parameters, ROLES) == graph


def test_the_graph_is_one_scan_without_a_fourier_operator(graph: bytes) -> None:
    """One Scan over the windows of all roles; the transform is a product of matrices."""
    found = operators(onnx.load_from_string(graph).graph)
    assert found["Scan"] == 1
    assert not found.keys() & {"STFT", "DFT", "Loop", "If", "Mish", "Softplus"}
    # One exponential for each Mish of the network.
    assert found["Exp"] == 5


def test_the_graph_is_small_and_says_nothing_of_its_maker(graph: bytes) -> None:
    """Below 4 MB, without traces of the exporter."""
    assert len(graph) < 4_000_000
    assert b"site-packages" not in graph
    assert b"pkg.torch" not in graph


def test_parity_with_pytorch(graph: bytes, parameters: Parameters, golden: GoldenSet) -> None:
    """Within 5e-6 on speech and 1e-4 on odd input, window by window."""
    speech = {case.id: golden.waveforms(case) for case in golden.cases}
    parity = prove_parity(graph, parameters, roles=ROLES, speech=speech, progress=silent)
    names = {case.name for case in parity.cases}
    assert parity.worst(SPEECH_TOLERANCE) <= 5e-6
    assert parity.worst(ODD_TOLERANCE) <= 1e-4
    assert names >= {"silence", "constant", "clipped square", "1 samples", "64000 samples"}
    assert names >= {"80007 samples", "parlenda alone"}


def test_parity_on_real_recordings(graph: bytes, parameters: Parameters, real_audio: Path) -> None:
    """People on phones at 48 kHz, read and resampled as the box does, clipped and gated too."""
    run, network, features = GraphRun(graph, ROLES), parameters.build(), Features()
    files = sorted(real_audio.glob("*.wav"))
    for path in files:
        heard = {path.name.split("_")[0]: read_waveform(path.read_bytes())}
        expected = window_probabilities(network, features, heard, roles=ROLES)
        found = run(heard).windows
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() <= 5e-6, path.name
    assert len(files) >= 8


def test_a_graph_of_other_weights_breaks_parity(
    graph: bytes, parameters: Parameters, golden: GoldenSet
) -> None:
    """A difference nobody would hear is refused, and the cases are named."""
    bias = parameters.network["dense.3.bias"] + np.float32(1e-3)
    other = dataclasses.replace(parameters, network={**parameters.network, "dense.3.bias": bias})
    speech = {case.id: golden.waveforms(case) for case in golden.cases}
    with pytest.raises(ParityBroken) as refusal:
        prove_parity(graph, other, roles=ROLES, speech=speech, progress=silent)
    assert refusal.value.details["cases"]


def test_roles_are_scored_one_after_another(graph: bytes, golden: GoldenSet) -> None:
    """An absent role takes its own windows away, and changes none of the others."""
    complete = next(case for case in golden.cases if len(case.recordings) == len(ROLES))
    heard = golden.waveforms(complete)
    run = GraphRun(graph, ROLES)
    whole = run(heard).windows
    alone = [run({role: heard[role]}).windows for role in ROLES]
    assert [w.size for w in alone] == [n_windows(heard[role].size) for role in ROLES]
    assert (np.concatenate(alone) == whole).all()


def test_the_probability_is_the_mean_of_all_windows(graph: bytes, golden: GoldenSet) -> None:
    """Every window of every role counts the same."""
    scored = GraphRun(graph, ROLES)(golden.waveforms(golden.cases[0]))
    assert scored.probability == pytest.approx(scored.windows.mean(), abs=1e-6)


def test_the_order_of_the_patients_data_does_not_change_the_answer(graph: bytes) -> None:
    """A run leaves nothing behind for the next one."""
    run = GraphRun(graph, ROLES)
    waveforms = [
        {r: waveform(pcm) for r, pcm in person(Split.TEST, i, seed=5).recordings.items()}
        for i in range(2)
    ]
    first = [run(w).probability for w in waveforms]
    assert [run(w).probability for w in reversed(waveforms)] == first[::-1]


def test_a_golden_score_that_is_not_repeated_is_refused(graph: bytes, golden: GoldenSet) -> None:
    """The case is named."""
    wrong = dataclasses.replace(golden.cases[0], probability=0.5)
    altered = dataclasses.replace(golden, cases=(wrong, *golden.cases[1:]))
    check_golden(graph, golden, roles=ROLES, tolerance=1e-4)
    with pytest.raises(GoldenMismatch) as refusal:
        check_golden(graph, altered, roles=ROLES, tolerance=1e-4)
    assert str(refusal.value.details["cases"]).count(golden.cases[0].id) == 1
