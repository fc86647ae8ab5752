"""Whose consent stands: a patient who took it back did so for every visit before.

The box writes a withdrawal by its own clock, a tablet a consent by another, which may be wrong,
and its work may come hours later. What could have been given before was given before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from appliance.core.inference import Consent, Inference
from appliance.core.pseudonym import one_patient


@dataclass(frozen=True, slots=True)
class Withdrawals:
    """Who took consent back.

    Attributes:
        last_at: when each patient last did, at whatever visit, by `patient_of`.
    """

    last_at: Mapping[str, datetime]

    def allow(self, inference: Inference, consent: Consent) -> bool:
        """Return whether research may use an inference.

        Its recordings were agreed to, and their use in the study was not refused; and its patient
        took no consent back since, here or at another visit.

        Args:
            inference: of nobody known, it stands for itself.
            consent: its latest one.
        """
        if not consent.decision.allows_recordings or consent.purposes.get("study") is False:
            return False
        withdrawn_at = self.last_at.get(patient_of(inference) or "")
        return withdrawn_at is None or not _given_before(withdrawn_at, inference, consent)


def patient_of(inference: Inference) -> str | None:
    """Return what is the same at each visit of its patient; None where no RGH was asked."""
    if inference.rgh is None:
        return None
    return one_patient(inference.hospital_id, inference.rgh)


def _given_before(withdrawn_at: datetime, inference: Inference, consent: Consent) -> bool:
    """Return whether a consent may have been given before a withdrawal, or with it."""
    if consent.id != inference.consent.id:
        return consent.taken_at <= withdrawn_at  # written later, by the clock of the box
    ahead_s = max(inference.clock_offset_s or 0.0, 0.0)
    after_s = (consent.taken_at - withdrawn_at).total_seconds()
    return inference.received_at <= withdrawn_at or after_s <= ahead_s
