"""What two versions are compared on: voices of those whose consent stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from appliance.core.ids import InferenceId, ResultId
from appliance.core.model import ModelVersion
from appliance.usecases.compare_models import compared
from tests.builders import a_model_version, an_audit
from tests.usecases.test_export import sent, withdraw, work
from tests.usecases.ward import Ward


def ask_another(ward: Ward) -> ModelVersion:
    """Have another version say the same as the first did, of everything."""
    version = a_model_version(id="other-1", model_name="voice", version="0.2.0", sequence=2)
    ward.records.models.add_version(version, audit=an_audit())
    for inference in [*ward.records.inferences.each()]:
        (own,) = ward.records.inferences.results(inference.id)
        shadow = replace(
            own,
            id=ResultId(f"shadow of {own.id}"),
            model_version_id=version.id,
            shadow=True,
        )
        ward.records.inferences.add_shadow(shadow, audit=an_audit())
    return version


def pairs(ward: Ward, other: ModelVersion) -> list[InferenceId]:
    """Return what is compared, in its order."""
    found = compared(ward.version, other, inferences=ward.records.inferences)
    return [pair.inference_id for pair in found]


def test_who_took_consent_back_at_another_visit_is_not_compared(ward: Ward) -> None:
    """Unless consent was given anew since; what nobody took back is."""
    first, gone = sent(ward), sent(ward)
    asked = ward.request(ward.recordings())
    other, _ = ward.submit(replace(asked, form={**asked.form, "rgh": "13817615A"}))
    withdraw(ward, gone.id)
    ward.now += timedelta(days=1)
    asked = ward.request(ward.recordings(), captured_at=ward.now)
    anew, _ = ward.submit(replace(asked, consent=replace(asked.consent, taken_at=ward.now)))
    work(ward)

    assert first.form["rgh"] == anew.form["rgh"]
    assert pairs(ward, ask_another(ward)) == [other.id, anew.id]


def test_who_said_no_to_this_study_is_not_compared(ward: Ward) -> None:
    """A comparison is research, also where it stays in the hospital."""
    asked = ward.request(ward.recordings())
    ward.submit(replace(asked, consent=replace(asked.consent, purposes={"study": False})))
    kept = sent(ward)
    work(ward)

    assert pairs(ward, ask_another(ward)) == [kept.id]
