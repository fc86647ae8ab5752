"""What is sent from the console is judged once, and the audit says who sent it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from appliance.core.errors import InvalidAudio, InvalidForm
from appliance.core.inference import ConsentDecision, Inference
from appliance.usecases.infer import ConsoleRequest, infer_from_console
from tests.builders import a_hospital
from tests.fakes import open_fake_records
from tests.usecases.ward import Ward, a_voice

FORM: Mapping[str, object] = {
    "rgh": "14259401E",
    "local": a_hospital().name,
    "gender": "Feminino",
    "mask_type": "NONE",
    "covid_status": "FALSE",
    "o2_support": "mask",
}


@pytest.fixture
def ward() -> Ward:
    """A furnished ward in memory."""
    return Ward(records=open_fake_records())


def infer(
    ward: Ward, answers: Mapping[str, object] = FORM, *, parlenda: bytes | None = None
) -> Inference:
    """Send a form and three recordings from the console."""
    recordings = dict.fromkeys(ward.protocol.required_roles, a_voice())
    if parlenda is not None:
        recordings["parlenda"] = parlenda
    return infer_from_console(
        ConsoleRequest(
            user_id=ward.nurse.id, model_id=None, form={**FORM, **answers}, recordings=recordings
        ),
        actor="console",
        clock=ward.clock,
        new_id=ward.new_id,
        records=ward.submission_records(),
        audio=ward.audio,
        queue=ward.queue,
    )


def actors(ward: Ward) -> dict[str, str]:
    """Return who the audit names for each kind of action."""
    rows = ward.records.audit.rows()
    return {row.entry.action.value: row.entry.actor for row in rows}


def test_the_audit_names_the_console_and_not_the_nurse(ward: Ward) -> None:
    """Nobody signed in as her: the inference is hers, the deed is the console's."""
    inference = infer(ward)

    assert inference.user_id == ward.nurse.id
    assert inference.consent.decision is ConsentDecision.UNVERIFIED
    named = actors(ward)
    assert (named["inference.stored"], named["recording.stored"]) == ("console", "console")


def test_what_a_refusal_erases_is_the_consoles_deed_too(ward: Ward) -> None:
    """A recording that came with one that is none is erased, by the console."""
    with pytest.raises(InvalidAudio):
        infer(ward, parlenda=a_voice()[:-1000])

    assert actors(ward)["recording.erased"] == "console"
    assert (ward.audio.files, ward.audio.parts) == ({}, {})


@pytest.mark.parametrize("number", [0.1 + 0.2, 1e-07, 5e-324, 79.99999999999999, 15])
def test_numbers_keep_every_digit(ward: Ward, number: float) -> None:
    """A valid number of JSON is stored as it is."""
    assert infer(ward, {"o2_flow_lpm": number}).form["o2_flow_lpm"] == number


def test_a_form_at_this_very_moment_is_valid(ward: Ward) -> None:
    """The form is judged by one reading of the clock, which is when it was taken."""
    inference = infer(ward)

    assert inference.captured_at == inference.consent.taken_at
    assert infer(ward, {"spo2": 93, "spo2_at": ward.now.isoformat()}).form["spo2"] == 93


@pytest.mark.parametrize("answers", [{"name": "x"}, {"spo2": "93"}, {"spo2": 300}])
def test_the_form_is_typed_and_strict(ward: Ward, answers: dict[str, object]) -> None:
    """Unlike in 2022 an unknown field or a text for a number is refused; nothing is left."""
    with pytest.raises(InvalidForm) as refusal:
        infer(ward, answers)

    assert [error.field for error in refusal.value.errors] == list(answers)
    assert (ward.audio.files, ward.audio.parts) == ({}, {})
