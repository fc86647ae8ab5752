"""Predicting: every claimed result is answered once, with a diagnosis, a reason or a code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from appliance.core.errors import ModelUnavailable, PredictionFailed, PredictionTimeout
from appliance.core.ids import RecordingId
from appliance.core.inference import Inference, InferenceStatus
from appliance.core.result import Result, ResultState
from appliance.core.scores import Scores
from appliance.usecases.predict import predict_next
from tests.fakes_models import FakePredictor
from tests.usecases.ward import Ward, a_voice, certain


def _submitted(
    ward: Ward,
    recordings: Mapping[str, RecordingId] | None = None,
    **changes: Any,  # noqa: ANN401 - what may be changed is what `replace` takes
) -> Inference:
    inference, _ = ward.submit(ward.request(recordings or ward.recordings(), **changes))
    return inference


def _predicted(ward: Ward, inference: Inference) -> tuple[Inference, Result]:
    assert predict_next(None, scoring=ward.scoring()) is not None
    (result,) = ward.records.inferences.results(inference.id)
    return ward.records.inferences.inference(inference.id), result


@pytest.mark.parametrize(
    ("probability", "diagnosis", "reason"),
    [
        (0.875, "positive", None),
        (0.625, "positive", None),
        (0.5, "inconclusive", "grey-zone"),
        (0.375, "negative", None),
        (0.125, "negative", None),
    ],
)
def test_the_thresholds_of_the_manifest_decide(
    ward: Ward, probability: float, diagnosis: str, reason: str | None
) -> None:
    """Probability and raw output are stored with the diagnosis they led to."""
    ward.predictor = certain(probability)

    inference, result = _predicted(ward, _submitted(ward))

    assert inference.status is InferenceStatus.COMPLETED
    assert (inference.diagnosis, result.diagnosis, result.reason) == (diagnosis, diagnosis, reason)
    assert (result.probability, result.output) == (probability, (probability, 0.5))
    assert result.graph_sha256 == ward.version.graph_sha256


def test_the_model_hears_each_role_at_its_own_rate_and_silence_for_what_is_absent(
    ward: Ward,
) -> None:
    """An optional role that is absent is `[1, 0]`; others are float32[1, n_samples]."""
    _predicted(ward, _submitted(ward))

    (scored,) = ward.predictor.scored
    heard = dict(scored)
    assert heard.pop("metadata").shape == (1, 2)
    assert {role: samples.shape for role, samples in heard.items()} == {
        "sustentada": (1, 64_000),
        "parlenda": (1, 64_000),
        "frase": (1, 0),
    }
    assert all(samples.dtype == np.float32 for samples in heard.values())


def test_a_failed_required_recording_is_invalid_without_a_run(ward: Ward) -> None:
    """The reason names the role; the model hears nothing."""
    recordings = ward.recordings()
    recordings["sustentada"] = ward.record("sustentada", a_voice(level=0.002))

    inference, result = _predicted(ward, _submitted(ward, recordings))

    assert inference.status is InferenceStatus.COMPLETED
    assert (result.reason, result.reason_subject) == ("invalid-recording", "sustentada")
    assert (result.output, result.probability, ward.predictor.scored) == ((), None, [])


def test_a_failed_optional_recording_is_given_as_absent(ward: Ward) -> None:
    """A bad sentence spoils nothing."""
    recordings = {**ward.recordings(), "frase": ward.record("frase", a_voice(level=0.002))}

    _, result = _predicted(ward, _submitted(ward, recordings))

    assert result.diagnosis == "positive"
    assert ward.predictor.scored[0]["frase"].shape == (1, 0)


@pytest.mark.parametrize(
    ("why", "reason"),
    [("too_breathless", "patient-unable"), ("technical", "missing-recording")],
)
def test_a_required_recording_that_was_not_done_has_its_own_reason(
    ward: Ward, why: str, reason: str
) -> None:
    """What the patient could not do is told apart from what merely lacks."""
    recordings = ward.recordings()
    del recordings["parlenda"]

    _, result = _predicted(ward, _submitted(ward, recordings, not_done={"parlenda": why}))

    assert (result.reason, result.reason_subject) == (reason, "parlenda")


@pytest.mark.parametrize("fault", [PredictionFailed(reason="run"), PredictionTimeout()])
def test_a_run_that_cannot_be_completed_is_an_error_with_its_code(
    ward: Ward, fault: PredictionFailed | PredictionTimeout
) -> None:
    """Nurse and IT see it; the next one goes on."""
    ward.predictor.fault = fault

    inference, result = _predicted(ward, _submitted(ward))
    ward.predictor.fault = None
    after, _ = _predicted(ward, _submitted(ward))

    assert inference.status is InferenceStatus.ERROR
    assert (result.state, result.error_code) == (ResultState.ERROR, fault.code)
    assert (result.diagnosis, result.output) == ("inconclusive", ())
    assert after.status is InferenceStatus.COMPLETED


def test_a_damaged_recording_is_never_scored(ward: Ward) -> None:
    """Bit rot is an error with its code, not a diagnosis."""
    recordings = ward.recordings()
    vowel = ward.records.recordings.recording(recordings["sustentada"])
    inference = _submitted(ward, recordings)
    ward.audio.damage(vowel.sha256)

    _, result = _predicted(ward, inference)

    assert (result.error_code, ward.predictor.scored) == ("audio-damaged", [])


def test_a_bundle_that_is_gone_is_model_unavailable(ward: Ward) -> None:
    """The inference is kept and says why there is no diagnosis."""
    inference = _submitted(ward)
    ward.bundles.kept.clear()

    stored, result = _predicted(ward, inference)

    assert stored.status is InferenceStatus.COMPLETED
    assert (result.diagnosis, result.reason) == ("inconclusive", "model-unavailable")


class Unloading(FakePredictor):
    """A predictor whose graph is unloaded by somebody else, right after it was loaded."""

    def score(
        self, graph_sha256: str, inputs: Mapping[str, NDArray[np.float32]], *, timeout_s: float
    ) -> Scores:
        """Find the graph gone, the first time."""
        if not self.scored:
            self.scored.append({})
            self.unload(graph_sha256)
            raise ModelUnavailable(graph_sha256=graph_sha256, reason="not-loaded")
        return super().score(graph_sha256, inputs, timeout_s=timeout_s)


def test_a_graph_that_was_unloaded_in_between_is_loaded_again(ward: Ward) -> None:
    """Whoever switches versions at this very moment costs no patient the answer."""
    ward.predictor = Unloading(answer=ward.predictor.answer)

    _, result = _predicted(ward, _submitted(ward))

    assert (result.diagnosis, result.reason) == ("positive", None)


def test_an_age_outside_the_population_is_outside_intended_use(ward: Ward) -> None:
    """A child is not judged by a model that heard adults only."""
    request = ward.request(ward.recordings())
    inference, _ = ward.submit(replace(request, form={**request.form, "age": 7}))

    _, result = _predicted(ward, inference)

    assert (result.reason, result.reason_subject) == ("outside-intended-use", "age")


def test_there_is_nothing_to_claim_when_all_is_answered(ward: Ward) -> None:
    """An answered result is never computed again."""
    inference = _submitted(ward)
    _, first = _predicted(ward, inference)

    assert predict_next(first.id, scoring=ward.scoring()) is None
    assert ward.records.inferences.results(inference.id) == (first,)
