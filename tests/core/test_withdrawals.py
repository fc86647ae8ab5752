"""Whose consent stands: taken back is what was given before, whatever a tablet's clock said."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from appliance.core.ids import ConsentId, HospitalId
from appliance.core.inference import Consent, ConsentDecision, Inference
from appliance.core.withdrawals import Withdrawals, patient_of
from tests.builders import NOON, a_consent, an_inference

MINUTE = timedelta(minutes=1)
RGH = "14259401E"


def visit(
    taken_at: datetime,
    received_at: datetime | None = None,
    *,
    offset_s: float | None = None,
    **form: object,
) -> Inference:
    """Return a visit whose consent a tablet dated so, and which the box had a minute later."""
    return replace(
        an_inference(consent=a_consent(taken_at=taken_at)),
        form={"rgh": RGH, **form},
        received_at=received_at or taken_at + MINUTE,
        clock_offset_s=offset_s,
    )


def stands(inference: Inference, consent: Consent | None = None) -> bool:
    """Return whether a consent stands of a patient who took consent back at noon."""
    patient = patient_of(visit(NOON))
    assert patient is not None
    return Withdrawals({patient: NOON}).allow(inference, consent or inference.consent)


@pytest.mark.parametrize("hospital", [None, HospitalId("hospital-9")])
def test_a_patient_is_one_of_a_hospital_however_the_rgh_is_spelled(
    hospital: HospitalId | None,
) -> None:
    """The same RGH elsewhere is somebody else."""
    before = visit(NOON - MINUTE)
    assert not stands(before)
    assert not stands(replace(before, form={"rgh": "1425 9401-e"}))
    assert stands(replace(before, form={"rgh": "13817615A"}))
    assert before.hospital_id != hospital
    assert stands(replace(before, hospital_id=hospital))


@pytest.mark.parametrize("form", [{}, {"rgh": None}])
def test_who_is_nobody_known_stands_for_one_visit(form: dict[str, object]) -> None:
    """No other visit can be told to be the same patient's."""
    inference = replace(visit(NOON - MINUTE), form=form)
    assert patient_of(inference) is None
    assert stands(inference)
    assert not stands(inference, a_consent(decision=ConsentDecision.WITHDRAWN))


@pytest.mark.parametrize(
    ("taken", "received", "offset_s", "counts"),
    [
        pytest.param(-10, -9, 0.4, False, id="before"),
        pytest.param(10, 11, 0.4, True, id="anew"),
        pytest.param(10, -9, None, False, id="here before, dated by a clock that ran ahead"),
        pytest.param(-10, 60, 0.4, False, id="before, without Wi-Fi"),
        pytest.param(20, 60, 1_800.0, False, id="before, without Wi-Fi, by such a clock"),
        pytest.param(40, 60, 1_800.0, True, id="anew, by such a clock"),
        pytest.param(10, 60, -1_800.0, True, id="anew, by a clock that is behind"),
        pytest.param(-10, 60, -1_800.0, False, id="in doubt it was before"),
        pytest.param(0, 0, None, False, id="at the very instant"),
        pytest.param(10, 60, 1e300, False, id="by a clock that is no clock"),
    ],
)
def test_what_was_given_before_a_withdrawal_is_taken_back(
    taken: int, received: int, offset_s: float | None, *, counts: bool
) -> None:
    """Minutes after the withdrawal, by the clock of the tablet and that of the box."""
    inference = visit(NOON + taken * MINUTE, NOON + received * MINUTE, offset_s=offset_s)
    assert stands(inference) is counts


def test_a_consent_given_anew_to_an_old_visit_counts() -> None:
    """The box wrote it after the withdrawal: when the visit came does not matter."""
    anew = a_consent(id=ConsentId("consent-9"), taken_at=NOON + MINUTE)
    assert stands(visit(NOON - MINUTE), anew)
    assert not stands(visit(NOON - MINUTE), replace(anew, taken_at=NOON - MINUTE))


@pytest.mark.parametrize(
    ("decision", "purposes", "counts"),
    [
        (ConsentDecision.ACCEPTED, {"study": True}, True),
        (ConsentDecision.ACCEPTED, {}, True),
        (ConsentDecision.UNVERIFIED, {}, True),
        (ConsentDecision.ACCEPTED, {"study": False}, False),
        (ConsentDecision.REFUSED, {}, False),
        (ConsentDecision.WITHDRAWN, {}, False),
    ],
)
def test_the_decision_and_its_purpose_count(
    decision: ConsentDecision, purposes: dict[str, bool], *, counts: bool
) -> None:
    """Who said no to the study is in no study."""
    inference = visit(NOON)
    consent = replace(inference.consent, decision=decision, purposes=purposes)
    assert Withdrawals({}).allow(inference, consent) is counts
