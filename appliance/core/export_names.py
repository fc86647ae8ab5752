"""What the things of an export are called in it: by pseudonyms, unless patients are identified."""

from __future__ import annotations

from dataclasses import dataclass, replace

from appliance.core.export_columns import only
from appliance.core.export_dates import Calendar, Dates, calendar_of
from appliance.core.ids import (
    ConsentId,
    HospitalId,
    InferenceId,
    ModelId,
    RecordingId,
    ResultId,
    UserId,
)
from appliance.core.inference import Consent, Inference, Recording
from appliance.core.patterns import UUID
from appliance.core.pseudonym import id_pseudonym, patient_pseudonym, record_pseudonym
from appliance.core.result import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """How one export calls its patients, users, hospitals, tablets, models and records.

    Attributes:
        key: 32 bytes of the box or of the study.
        identified: ids are those of the box; patients keep their pseudonyms beside the RGH.
        dates: how dates are told.
    """

    key: bytes
    identified: bool
    dates: Dates

    def patient(self, inference: Inference) -> str | None:
        """Return the pseudonym of its patient; None where no RGH was asked."""
        if inference.rgh is None:
            return None
        return patient_pseudonym(self.key, inference.hospital_id, inference.rgh)

    def calendar(self, inference: Inference, patient_id: str | None) -> Calendar:
        """Return how dates of its patient are told; of nobody known, each inference is its own."""
        person = patient_id or inference.id
        # The patient was seen before the box had word of it, whatever the clock of a tablet says.
        seen_at = min(inference.captured_at, inference.received_at)
        return calendar_of(self.key, person, self.dates, seen_at=seen_at)

    def inference(self, inference: Inference) -> Inference:
        """Return it with ids as they are told."""
        if self.identified:
            return inference
        hospital_id, model_id = inference.hospital_id, inference.model_id
        tablet_id = only(UUID, inference.tablet_id)
        return replace(
            inference,
            id=InferenceId(self._record(inference.id)),
            user_id=UserId(id_pseudonym(self.key, "user", inference.user_id)),
            hospital_id=hospital_id and HospitalId(id_pseudonym(self.key, "hospital", hospital_id)),
            tablet_id=tablet_id and id_pseudonym(self.key, "tablet", tablet_id),
            model_id=model_id and ModelId(self._record(model_id)),
        )

    def result(self, result: Result) -> Result:
        """Return it with ids as they are told."""
        return replace(
            result,
            id=ResultId(self._record(result.id)),
            inference_id=InferenceId(self._record(result.inference_id)),
            model_id=ModelId(self._record(result.model_id)),
        )

    def recording(self, recording: Recording) -> Recording:
        """Return it with its id as it is told."""
        return replace(recording, id=RecordingId(self._record(recording.id)))

    def consent(self, consent: Consent) -> Consent:
        """Return it with its id as it is told."""
        return replace(consent, id=ConsentId(self._record(consent.id)))

    def _record(self, record_id: str) -> str:
        return record_id if self.identified else record_pseudonym(self.key, record_id)
