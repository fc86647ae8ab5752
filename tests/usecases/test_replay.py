"""Replaying: the stored graph says of the stored audio what it said before."""

from __future__ import annotations

import pytest

from appliance.core.audit import AuditAction
from appliance.core.errors import ResultNotFound
from appliance.core.ids import InferenceId
from appliance.usecases.predict import predict_next
from appliance.usecases.replay import Replayed, replay
from tests.usecases.ward import Ward, a_voice, certain


def _answered(ward: Ward, **roles: bytes) -> InferenceId:
    recordings = ward.recordings() | {role: ward.record(role, wav) for role, wav in roles.items()}
    inference, _ = ward.submit(ward.request(recordings))
    assert predict_next(None, scoring=ward.scoring()) is not None
    return inference.id


def _replayed(ward: Ward, inference_id: InferenceId, model: str = "") -> list[Replayed]:
    audit = ward.records.audit
    return list(replay(inference_id, model, actor="console", scoring=ward.scoring(), audit=audit))


def test_a_replay_agrees_and_changes_nothing(ward: Ward) -> None:
    """The probability is found again; the stored result stays, and the reading is audited."""
    inference_id = _answered(ward)
    before = ward.records.inferences.results(inference_id)

    (one,) = _replayed(ward, inference_id)

    assert (one.agrees, one.difference, one.answer.probability) == (True, 0.0, 0.875)
    assert ward.records.inferences.results(inference_id) == before
    last = list(ward.records.audit.rows())[-1].entry
    assert (last.action, last.entity_id) == (AuditAction.INFERENCE_REPLAYED, inference_id)


@pytest.mark.parametrize(("moved", "agrees"), [(2**-14, True), (2**-13, False)])
def test_the_tolerance_is_a_ten_thousandth(ward: Ward, *, moved: float, agrees: bool) -> None:
    """0.00006 is rounding; 0.00012 is another answer."""
    inference_id = _answered(ward)
    ward.predictor = certain(0.875 + moved)

    (one,) = _replayed(ward, inference_id)

    assert one.agrees is agrees


def test_a_result_without_a_run_agrees_by_its_reason(ward: Ward) -> None:
    """What was never scored is not scored now, and says the same of the same role."""
    inference_id = _answered(ward, sustentada=a_voice(level=0.002))

    (one,) = _replayed(ward, inference_id)

    assert (one.agrees, one.difference, one.answer.reason_subject) == (True, None, "sustentada")


def test_what_cannot_be_run_any_more_does_not_agree(ward: Ward) -> None:
    """A lost bundle is told as such, and so is a lost recording."""
    inference_id = _answered(ward)
    ward.bundles.kept.clear()
    ward.predictor = certain(0.875)

    (without_bundle,) = _replayed(ward, inference_id)

    assert not without_bundle.agrees
    assert without_bundle.answer.reason == "model-unavailable"


def test_only_the_model_asked_for_is_replayed(ward: Ward) -> None:
    """Name and version choose; where nothing is chosen or answered, that is an error."""
    inference_id = _answered(ward)
    waiting, _ = ward.submit(ward.request(ward.recordings()))

    assert len(_replayed(ward, inference_id, f"voice@{ward.version.version}")) == 1
    with pytest.raises(ResultNotFound):
        _replayed(ward, inference_id, "voice@9.9.9")
    with pytest.raises(ResultNotFound):
        _replayed(ward, waiting.id)
