"""Judging a request: what a demonstration is, and which hospital is meant."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core.ids import ModelVersionId
from appliance.usecases.hospitals import change_hospital
from tests.builders import a_hospital, a_model_version, an_audit
from tests.usecases.ward import Ward


@pytest.mark.parametrize(
    "answers", [{}, {"sample_type": "PATIENT"}, {"sample_type_absent_reason": "not_measured"}]
)
def test_what_a_demonstration_model_hears_is_never_data_of_patients(
    ward: Ward, answers: dict[str, str]
) -> None:
    """The form says TEST whatever was answered, and gives no reason for an absent answer."""
    demonstration = a_model_version(
        id=ModelVersionId("version-2"), sequence=2, version="2.0.0", demonstration=True
    )
    ward.records.models.add_version(demonstration, audit=an_audit())
    ward.records.models.activate(demonstration.id, default=True, audit=an_audit())
    request = ward.request(ward.recordings())

    inference, _ = ward.submit(replace(request, form={**request.form, **answers}))

    assert inference.form["sample_type"] == "TEST"
    assert "sample_type_absent_reason" not in inference.form


def test_a_clinical_model_leaves_the_answer_as_it_was_given(ward: Ward) -> None:
    """Only a demonstration is a test by itself."""
    inference, _ = ward.submit(ward.request(ward.recordings()))

    assert inference.form["sample_type"] != "TEST"


def test_a_renamed_hospital_is_known_by_its_former_name(ward: Ward) -> None:
    """A tablet that was away is understood; its words are kept, and the rule still judges."""
    request = ward.request(ward.recordings())
    change_hospital(
        a_hospital().id,
        name="Renamed",
        actor="console",
        clock=ward.clock,
        hospitals=ward.records.hospitals,
    )

    inference, _ = ward.submit(request)

    assert inference.hospital_id == a_hospital().id
    assert inference.form["local"] == a_hospital().name
    assert inference.rgh_check == "ok"
