"""What is evaluated is what a patient would get: bit for bit, with the box's own refusals."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from appliance.adapters.onnx_predictor import OnnxPredictor
from appliance.core.diagnosis import Diagnosis, Reason
from appliance.core.model_inputs import build_inputs
from models.evaluation.listening import Listener, one_a_patient, scores_of
from models.evaluation.opened import OpenedModel
from models.labelled.cases import LabelledCase, LabelledRecording
from tests.bundle_builders import a_manifest, graph_bytes
from tests.models.labelled_builders import put_wav

ROLES = ("sustentada", "parlenda", "frase")


@pytest.fixture(scope="module")
def listener() -> Listener:
    """The graph `voice`, which takes answers, too."""
    model = OpenedModel(manifest=a_manifest(), graph=graph_bytes(), directory=None)
    return Listener(model)


@pytest.fixture
def case(tmp_path: Path) -> LabelledCase:
    """A patient at 48 kHz, two words with a pause."""
    t = np.arange(3 * 48_000) / 48_000
    speaking = (t % 1.5 > 0.3) & (t % 1.5 < 1.3)
    rng = np.random.default_rng(0)
    recordings = {}
    for role in ROLES:
        sound = 0.2 * speaking * np.sin(2 * np.pi * 180 * t) + rng.normal(0, 1e-3, t.size)
        pcm = np.round(sound * 32_767).astype(np.int16)
        path = put_wav(tmp_path / f"{role}.wav", pcm, rate_hz=48_000)
        recordings[role] = LabelledRecording(path=path, sha256="0" * 64)
    return LabelledCase(
        id="a", patient_id="p", positive=True, recordings=recordings, form={"age": 60}
    )


def test_the_probability_is_the_boxs_own(listener: Listener, case: LabelledCase) -> None:
    """The same bits as the predictor that serves patients, answers and resampling included."""
    graph, manifest = graph_bytes(), a_manifest()
    sha256 = hashlib.sha256(graph).hexdigest()
    predictor = OnnxPredictor()
    predictor.ensure_loaded(sha256, lambda: graph)
    inputs = build_inputs(manifest, case.waveforms(), case.form)

    found = listener.hear(case, case.waveforms())

    assert found.probability == predictor.score(sha256, inputs, timeout_s=10).probability
    assert found.snr_db is not None
    assert 35 < found.snr_db < 50
    assert listener.probability(case.waveforms(), {}) != found.probability


def test_what_the_box_would_not_score_is_inconclusive(
    listener: Listener, case: LabelledCase
) -> None:
    """By the verdict of the box that took it, by what is missing, by the population."""

    def why(one: LabelledCase) -> Reason | None:
        heard = listener.hear(one, one.waveforms())
        assert heard.probability is None
        assert heard.diagnosis(0.0, 0.0) == (Diagnosis.INCONCLUSIVE, heard.reason)
        return heard.reason

    failed = replace(case.recordings["parlenda"], verdict="fail")
    without = {role: own for role, own in case.recordings.items() if role != "parlenda"}

    judged = replace(case, recordings={**case.recordings, "parlenda": failed})
    assert why(judged) is Reason.INVALID_RECORDING
    assert why(replace(case, recordings=without)) is Reason.MISSING_RECORDING
    unable = replace(case, recordings=without, not_done={"parlenda": "too_breathless"})
    assert why(unable) is Reason.PATIENT_UNABLE
    assert why(replace(case, form={"age": 12})) is Reason.OUTSIDE_INTENDED_USE
    assert why(replace(case, protocol_id="another")) is Reason.OUTSIDE_INTENDED_USE


def test_where_no_box_judged_the_protocols_limits_do(
    listener: Listener, case: LabelledCase
) -> None:
    """A silent recording fails those of this release; where a box found it fine, it counts."""
    silent = put_wav(case.recordings["parlenda"].path, np.zeros(48_000, np.int16), rate_hz=48_000)
    assert listener.hear(case, case.waveforms()).reason is Reason.INVALID_RECORDING
    fine = LabelledRecording(path=silent, sha256="0" * 64, verdict="ok")
    told = replace(case, recordings={**case.recordings, "parlenda": fine})
    assert listener.hear(told, told.waveforms()).probability is not None


def test_nobody_counts_twice(listener: Listener, case: LabelledCase) -> None:
    """The first case of each patient; areas take all that were scored."""
    first = listener.hear(case, case.waveforms())
    second = replace(first, case=replace(case, id="b"))
    other = replace(first, case=replace(case, id="c", patient_id="q"), probability=None)

    assert one_a_patient([first, second, other]) == (first, other)
    probability, positive, patients = scores_of([first, second, other])
    assert probability.tolist() == [first.probability] * 2
    assert positive.tolist() == [True, True]
    assert patients == ("p", "p")
