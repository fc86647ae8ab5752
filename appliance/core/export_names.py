"""What the things of an export are called in it: by pseudonyms, unless patients are identified."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.export_columns import only
from appliance.core.export_dates import Calendar, Dates, calendar_of
from appliance.core.form_columns import RGH
from appliance.core.ids import InferenceId
from appliance.core.inference import Inference
from appliance.core.patterns import UUID
from appliance.core.pseudonym import id_pseudonym, patient_pseudonym, told_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """How one export calls its patients, users, tablets and records.

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
        rgh = inference.form.get(RGH)
        if not isinstance(rgh, str):
            return None
        return patient_pseudonym(self.key, inference.hospital_id, rgh)

    def calendar(self, inference: Inference, patient_id: str | None) -> Calendar:
        """Return how dates of its patient are told; of nobody known, each inference is its own."""
        return calendar_of(self.key, patient_id or inference.id, self.dates)

    def inference(self, inference: Inference) -> InferenceId:
        """Return its id as it is told."""
        return InferenceId(self.record(inference.id))

    def record(self, record_id: str) -> str:
        """Return the id of a recording, a result or a consent as it is told."""
        return record_id if self.identified else told_id(self.key, record_id)

    def user(self, inference: Inference) -> str | None:
        """Return who took it."""
        if self.identified:
            return inference.user_id
        return id_pseudonym(self.key, "user", inference.user_id)

    def tablet(self, inference: Inference) -> str | None:
        """Return the tablet it was taken on."""
        if self.identified:
            return inference.tablet_id
        return id_pseudonym(self.key, "tablet", only(UUID, inference.tablet_id))
