"""Rescoring: another version is asked later; nothing of it reaches or delays a nurse."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

import pytest

from appliance.core.errors import ModelUnavailable
from appliance.core.ids import InferenceId, ModelVersionId
from appliance.core.manifest import MANIFEST_NAME
from appliance.core.manifest_encoding import encode_manifest
from appliance.core.model import ModelVersion
from appliance.usecases.consents import withdraw_consent
from appliance.usecases.predict import predict_next
from appliance.usecases.rescore import Rescoring, Step, rescore
from tests.builders import a_model_version, an_audit
from tests.bundle_builders import a_manifest, bundle_files
from tests.fakes_models import FakePredictor
from tests.usecases.ward import Ward, certain


def _newer(ward: Ward) -> ModelVersion:
    """Install a second version, which says 0.125 to everything."""
    manifest = encode_manifest(a_manifest(version="2.0.0", sequence=2, demonstration=False))
    version = replace(
        a_model_version(),
        id=ModelVersionId("00000000-0000-4000-8000-00000000beef"),
        model_name="voice",
        version="2.0.0",
        sequence=2,
        manifest=manifest,
        digest=sha256(manifest).hexdigest(),
        graph_sha256=ward.version.graph_sha256,
    )
    ward.records.models.add_version(version, audit=an_audit())
    ward.bundles.kept[version.digest] = {MANIFEST_NAME: manifest, **bundle_files()}
    return version


def _answered(ward: Ward, n_inferences: int) -> list[InferenceId]:
    ids = []
    for _ in range(n_inferences):
        ids.append(ward.submit(ward.request(ward.recordings()))[0].id)
        assert predict_next(None, scoring=ward.scoring()) is not None
    return ids


def _withdraw(ward: Ward, inference_id: InferenceId) -> None:
    withdraw_consent(
        inference_id,
        actor="console",
        clock=ward.clock,
        new_id=ward.new_id,
        inferences=ward.records.inferences,
    )


def _steps(
    ward: Ward,
    version: ModelVersion,
    *,
    since: datetime | None = None,
    n_most: int = 99,
) -> Counter[Step]:
    left = iter(range(n_most))
    work = Rescoring(
        scoring=ward.scoring(),
        audit=ward.records.audit,
        new_id=ward.new_id,
        may_go_on=lambda: next(left, None) is not None,
    )
    return Counter(step for _, step in rescore(version, since=since, actor="console", work=work))


def test_every_inference_gets_a_shadow_result_and_keeps_its_own(ward: Ward) -> None:
    """What the nurse was told stays; status and diagnosis are those of the requested model."""
    ids = _answered(ward, 3)
    before = [ward.records.inferences.inference(one) for one in ids]
    version = _newer(ward)
    ward.predictor = certain(0.125)

    assert _steps(ward, version) == {Step.SCORED: 3}

    assert [ward.records.inferences.inference(one) for one in ids] == before
    for one in ids:
        own, shadow = ward.records.inferences.results(one)
        assert (own.shadow, own.probability) == (False, 0.875)
        assert (shadow.shadow, shadow.probability, shadow.model_version) == (True, 0.125, "2.0.0")
    assert len(ward.records.inferences.settled(ward.nurse.id, after=0)) == 3
    assert list(ward.records.audit.unaudited()) == []


def test_it_goes_on_where_it_was_ended(ward: Ward) -> None:
    """Nothing is scored twice."""
    _answered(ward, 4)
    version = _newer(ward)

    assert _steps(ward, version, n_most=1) == {Step.SCORED: 1}
    assert _steps(ward, version) == {Step.KNOWN: 1, Step.SCORED: 3}
    assert _steps(ward, version) == {Step.KNOWN: 4}


def test_what_lost_its_consent_and_what_came_before_is_left_out(ward: Ward) -> None:
    """A withdrawal ends this as it ends exports."""
    asked = ward.request(ward.recordings())
    ward.submit(replace(asked, form={**asked.form, "rgh": "13817615A"}))
    assert predict_next(None, scoring=ward.scoring()) is not None
    (withdrawn,) = _answered(ward, 1)
    _withdraw(ward, withdrawn)
    version = _newer(ward)

    assert _steps(ward, version, since=ward.now + timedelta(days=1)) == {}
    assert _steps(ward, version) == {Step.LEFT_OUT: 1, Step.SCORED: 1}
    assert len(ward.records.inferences.results(withdrawn)) == 1


def test_who_took_consent_back_at_another_visit_is_left_out(ward: Ward) -> None:
    """And who said no to this study: a shadow result is for research alone."""
    first, gone = _answered(ward, 2)
    asked = ward.request(ward.recordings())
    refused = replace(asked.consent, purposes={"study": False})
    ward.submit(replace(asked, form={**asked.form, "rgh": "13817615A"}, consent=refused))
    assert predict_next(None, scoring=ward.scoring()) is not None
    _withdraw(ward, gone)
    version = _newer(ward)

    assert _steps(ward, version) == {Step.LEFT_OUT: 3}
    assert len(ward.records.inferences.results(first)) == 1


def test_a_run_that_fails_is_tried_again_by_the_next(ward: Ward) -> None:
    """It is not stored: a result is answered once."""
    (inference_id,) = _answered(ward, 1)
    version = _newer(ward)
    ward.predictor = FakePredictor(answer=lambda _: float("nan"))

    assert _steps(ward, version) == {Step.FAILED: 1}
    assert len(ward.records.inferences.results(inference_id)) == 1
    ward.predictor = certain(0.125)
    assert _steps(ward, version) == {Step.SCORED: 1}


def test_a_version_that_cannot_be_loaded_is_refused_at_once(ward: Ward) -> None:
    """Instead of storing for ever that it was not available."""
    _answered(ward, 1)
    version = _newer(ward)
    ward.predictor = certain(0.125)
    ward.bundles.kept.clear()

    with pytest.raises(ModelUnavailable):
        _steps(ward, version)
