"""Consents after the fact: a withdrawal is another row, nothing is rewritten."""

from __future__ import annotations

from datetime import datetime

from appliance.core.audit import AuditAction, audited
from appliance.core.ids import ConsentId, InferenceId
from appliance.core.inference import Consent, ConsentDecision
from appliance.core.withdrawals import Withdrawals, patient_of
from appliance.ports import Clock, InferenceRecords, NewId


def withdraw_consent(
    inference_id: InferenceId,
    *,
    actor: str,
    clock: Clock,
    new_id: NewId,
    inferences: InferenceRecords,
) -> Consent:
    """Record that consent was taken back; from then on no export holds the inference.

    A second withdrawal changes nothing and returns the first.

    Raises:
        InferenceNotFound.
    """
    for consent in inferences.consents(inference_id):
        if consent.decision is ConsentDecision.WITHDRAWN:
            return consent
    withdrawal = Consent(
        id=ConsentId(new_id()),
        decision=ConsentDecision.WITHDRAWN,
        given_by=None,
        relationship=None,
        form_signed=None,
        witness_present=None,
        assent=None,
        text_sha256=None,
        language=None,
        purposes={},
        taken_at=clock(),
    )
    inferences.add_consent(
        inference_id,
        withdrawal,
        audit=audited(
            AuditAction.CONSENT_WITHDRAWN, inference_id, at=withdrawal.taken_at, actor=actor
        ),
    )
    return withdrawal


def withdrawals(inferences: InferenceRecords) -> Withdrawals:
    """Return who has taken consent back until now.

    Raises:
        RecordDamaged.
    """
    last_at: dict[str, datetime] = {}
    for inference, withdrawal in inferences.withdrawn():
        patient = patient_of(inference)
        if patient is not None:
            at = withdrawal.taken_at
            last_at[patient] = max(at, last_at.get(patient, at))
    return Withdrawals(last_at)
