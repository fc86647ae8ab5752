"""Withdrawing consent: another row, once."""

from __future__ import annotations

import pytest

from appliance.core.errors import InferenceNotFound
from appliance.core.ids import InferenceId
from appliance.core.inference import Consent
from appliance.usecases.consents import withdraw_consent
from tests.usecases.ward import Ward


def _withdraw(ward: Ward, inference_id: InferenceId) -> Consent:
    return withdraw_consent(
        inference_id,
        actor="console",
        clock=ward.clock,
        new_id=ward.new_id,
        inferences=ward.records.inferences,
    )


def test_a_withdrawal_is_another_row(ward: Ward) -> None:
    """What was accepted stays written; a second withdrawal is the first."""
    inference, _ = ward.submit(ward.request(ward.recordings()))

    first = _withdraw(ward, inference.id)
    second = _withdraw(ward, inference.id)

    decisions = [consent.decision for consent in ward.records.inferences.consents(inference.id)]
    assert decisions == ["accepted", "withdrawn"]
    assert first == second


def test_nobody_withdraws_from_what_is_not_here(ward: Ward) -> None:
    """An unknown inference is an error by name."""
    with pytest.raises(InferenceNotFound):
        _withdraw(ward, InferenceId("absent"))
