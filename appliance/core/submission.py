"""An inference as a client asks for it, before the box has judged any of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from appliance.core.ids import InferenceId, ModelId, ProtocolId, RecordingId, Sha256, UserId
from appliance.core.inference import Capture, ConsentDecision, Purpose

NOT_DONE_REASONS = frozenset(
    {
        "refused",
        "cannot_read",
        "too_breathless",
        "intubated",
        "no_voice",
        "confused",
        "language",
        "interrupted",
        "technical",
        "other",
    }
)
"""Why a recording was not taken (PROTOCOL.md, Recordings)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRequest:
    """A decision as a client reports it."""

    decision: ConsentDecision
    given_by: str | None = None
    relationship: str | None = None
    form_signed: str | None = None
    witness_present: bool | None = None
    assent: str | None = None
    text_sha256: str | None = None
    language: str | None = None
    purposes: Mapping[str, bool]
    taken_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentRequest:
    """A recording that is already here, with its place in the inference."""

    recording_id: RecordingId
    role: str
    take: int = 1
    chosen: bool = True
    speaker: str | None = None
    started_at: datetime | None = None
    stop_reason: str | None = None
    prompt_sha256: str | None = None
    gaps: int = 0
    capture: Capture


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceRequest:
    """Everything a client says of one inference.

    Attributes:
        form: typed answers, or texts when `legacy`.
        legacy: the multipart request of 2022: answers as text, unknown fields ignored, every
            required recording present.
        protocol_id: None means the active one.
        model_id: None means the default model; ignored for collections.
        content_sha256: digest of the request; a repeat must have the same.
    """

    id: InferenceId
    user_id: UserId
    purpose: Purpose
    protocol_id: ProtocolId | None
    protocol_sha256: Sha256 | None = None
    model_id: ModelId | None
    form: Mapping[str, object]
    legacy: bool = False
    rgh_override: str | None = None
    identity_check: str | None = None
    consent: ConsentRequest
    attachments: tuple[AttachmentRequest, ...]
    not_done: Mapping[str, str]
    stopped_early: bool = False
    captured_at: datetime
    clock_offset_s: float | None = None
    tablet_id: str | None = None
    app_version: str | None = None
    content_sha256: Sha256
