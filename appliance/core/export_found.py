"""What belongs to one inference of an export, and what is counted of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from appliance.core.ids import RecordingId
from appliance.core.inference import Attachment, Consent, Inference, Recording
from appliance.core.quality import ROOM_NOISE_ROLE, room_noise_db
from appliance.core.result import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSaid:
    """A version of a model of which results are in an export."""

    name: str
    version: str | None
    graph_sha256: str | None


@dataclass(slots=True, kw_only=True)
class ExportCounts:
    """How much was written, and how many inferences were left out for what reason.

    Attributes:
        n_sounds: recordings whose sound is in it.
        n_without_consent: refused or withdrawn.
        n_unverified: of 2022, without word of consent.
        n_test: tests, and what a demonstration model was asked for.
        n_small_groups, n_in_small_groups: groups of fewer than five patients, and who is in them.
    """

    n_inferences: int = 0
    n_results: int = 0
    n_recordings: int = 0
    n_sounds: int = 0
    n_without_consent: int = 0
    n_unverified: int = 0
    n_test: int = 0
    n_small_groups: int = 0
    n_in_small_groups: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All that belongs to one inference of an export."""

    inference: Inference
    consents: tuple[Consent, ...]
    results: tuple[Result, ...]
    recordings: tuple[Recording, ...]

    @property
    def consent(self) -> Consent:
        """The decision that counts."""
        return self.consents[-1]

    @property
    def attached(self) -> Mapping[RecordingId, Attachment]:
        """The place of each recording."""
        return {one.recording_id: one for one in self.inference.attachments}

    def instants(self) -> Iterable[datetime | None]:
        """Return when what is in the tables was made or changed."""
        inference = self.inference
        yield from (inference.received_at, inference.first_shown_at, inference.disagreed_at)
        yield from (consent.taken_at for consent in self.consents)
        yield from (result.computed_at for result in self.results)


def is_test(inference: Inference, results: Sequence[Result]) -> bool:
    """Return whether it says nothing of a patient: a test, or asked of a demonstration model."""
    asked = any(result.demonstration and not result.shadow for result in results)
    return asked or inference.is_test


def noise_of_room(
    attached: Mapping[RecordingId, Attachment], recordings: Iterable[Recording]
) -> float | None:
    """Return the noise that recordings were judged by; None where the room was not recorded."""
    for recording in recordings:
        place = attached[recording.id]
        if place.role == ROOM_NOISE_ROLE and place.chosen:
            return room_noise_db(recording.measures)
    return None
