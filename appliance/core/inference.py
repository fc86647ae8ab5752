"""One request for a pre-diagnosis: the form, the consent and the recordings of one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from appliance.core.diagnosis import Diagnosis, Reason
from appliance.core.ids import (
    ConsentId,
    HospitalId,
    InferenceId,
    ModelId,
    ProtocolId,
    RecordingId,
    Sha256,
    UserId,
)
from appliance.core.quality import Measures, Verdict
from appliance.core.rgh import RghCheck

TEST: Final = "TEST"
"""The sample type of what is no data about a patient."""


class Purpose(StrEnum):
    """Why the recordings were taken: to be scored, or to be collected only."""

    INFERENCE = "inference"
    COLLECTION = "collection"


class InferenceStatus(StrEnum):
    """Where an inference stands, as the 2022 API spells it."""

    PROCESSING = "processing"
    COMPLETED = "completed"
    ERROR = "error"


class ConsentDecision(StrEnum):
    """What was decided; `unverified` is what a 2022 request can tell: nothing."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    UNVERIFIED = "unverified"

    @property
    def allows_recordings(self) -> bool:
        """Whether recordings may be attached under this decision."""
        return self in {ConsentDecision.ACCEPTED, ConsentDecision.UNVERIFIED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Who decided what, when and on which text. Append-only: a withdrawal is another one."""

    id: ConsentId
    decision: ConsentDecision
    given_by: str | None
    relationship: str | None
    form_signed: str | None
    witness_present: bool | None
    assent: str | None
    text_sha256: str | None
    language: str | None
    purposes: Mapping[str, bool]
    taken_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """What the browser said of its own processing, read back after opening the microphone.

    `None` means that the browser was silent about it.
    """

    echo_cancellation: bool | None = None
    noise_suppression: bool | None = None
    auto_gain_control: bool | None = None
    voice_isolation: bool | None = None
    sample_rate_hz: int | None = None
    device: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One take as received, known by its SHA-256. Append-only.

    The same sound may be sent under several ids: a content hash is never unique.
    """

    id: RecordingId
    user_id: UserId
    role: str
    protocol_id: ProtocolId
    sha256: Sha256
    n_bytes: int
    measures: Measures
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A recording's place in an inference, with the verdict that is final from then on."""

    recording_id: RecordingId
    role: str
    take: int
    chosen: bool
    speaker: str | None
    started_at: datetime | None
    stop_reason: str | None
    prompt_sha256: str | None
    gaps: int
    capture: Capture
    verdict: Verdict
    verdict_reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """Everything known of one inference but its results.

    Attributes:
        form: the normalised answers, complete, under the exact protocol named here.
        protocol_sha256: digest of that protocol's document.
        model_id: the model asked for; None for a collection.
        content_sha256: digest of the request, for which the same id may be sent again.
        diagnosis: of the requested model; None until there is one.
        first_shown_at: when its result was first opened by a person.
        disagreed_at: when its nurse said that she disagrees with the result.
        not_done: role -> reason, for recordings that were not taken.
        clock_offset_s: tablet clock minus box clock, seconds.
    """

    id: InferenceId
    user_id: UserId
    purpose: Purpose
    status: InferenceStatus
    protocol_id: ProtocolId
    protocol_sha256: Sha256
    model_id: ModelId | None
    model_name: str | None
    hospital_id: HospitalId | None
    form: Mapping[str, object]
    rgh_check: RghCheck
    rgh_override: str | None
    identity_check: str | None
    consent: Consent
    attachments: tuple[Attachment, ...]
    not_done: Mapping[str, str]
    stopped_early: bool
    captured_at: datetime
    received_at: datetime
    clock_offset_s: float | None
    tablet_id: str | None
    app_version: str | None
    content_sha256: Sha256
    diagnosis: Diagnosis | None = None
    reason: Reason | None = None
    first_shown_at: datetime | None = None
    disagreed_at: datetime | None = None

    @property
    def is_test(self) -> bool:
        """Whether it is kept out of analyses: sample type TEST (PROTOCOL.md)."""
        return self.form.get("sample_type") == TEST

    @property
    def rgh(self) -> str | None:
        """The number of its patient; None where none was asked."""
        rgh = self.form.get("rgh")
        return rgh if isinstance(rgh, str) else None


class SortKey(StrEnum):
    """The columns a list may be sorted by (API.md §2)."""

    CREATED_IN = "created_in"
    LOCAL = "local"
    RGH = "rgh"
    MODEL_NAME = "model_name"
    STATUS = "status"
    DIAGNOSIS = "diagnosis"


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceQuery:
    """Which inferences, in which order. `None` means: not restricted.

    Attributes:
        limit: rows a page; None gives all of them, as in 2022.
        after: the opaque cursor of the page before.
        rgh_prefix: first characters of the RGH.
        captured_from, captured_to: inclusive instants, by the tablet's clock.
        received_from: inclusive instant, by the box's clock.
    """

    user_id: UserId | None = None
    hospital_id: HospitalId | None = None
    limit: int | None = None
    after: str | None = None
    sort: SortKey = SortKey.CREATED_IN
    descending: bool = True
    rgh_prefix: str | None = None
    status: InferenceStatus | None = None
    diagnosis: Diagnosis | None = None
    model_id: ModelId | None = None
    local: str | None = None
    captured_from: datetime | None = None
    captured_to: datetime | None = None
    received_from: datetime | None = None
    purpose: Purpose | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """That an inference was answered.

    Attributes:
        seq: of the audit row that says so: who knows it may ask for later ones.
    """

    seq: int
    inference_id: InferenceId
    status: InferenceStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class InferencePage:
    """One page of a list; `next` is the cursor of the following one, None at the end."""

    inferences: tuple[Inference, ...]
    next: str | None
