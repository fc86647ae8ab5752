"""JSON bodies as they may come in: strict types, nothing unknown, everything bounded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from appliance.core.account import Role
from appliance.core.errors import FieldError, InvalidRequest
from appliance.core.ids import (
    InferenceId,
    ModelId,
    ProtocolId,
    RecordingId,
    Sha256,
    UserId,
    parse_uuid,
)
from appliance.core.inference import Capture, ConsentDecision, Purpose
from appliance.core.patterns import APP_VERSION, CODE_WORD, LANGUAGE_TAG, SHA256
from appliance.core.submission import AttachmentRequest, ConsentRequest, InferenceRequest

Text: TypeAlias = Annotated[str, Meta(max_length=512)]
Word: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]
Password: TypeAlias = Annotated[str, Meta(max_length=1024)]
Code: TypeAlias = Annotated[str, Meta(pattern=CODE_WORD)]
Digest: TypeAlias = Annotated[str, Meta(pattern=SHA256)]
Language: TypeAlias = Annotated[str, Meta(max_length=35, pattern=LANGUAGE_TAG)]
AppVersion: TypeAlias = Annotated[str, Meta(pattern=APP_VERSION)]
ConsentPurpose: TypeAlias = Literal["study", "future_research", "audio_sharing"]
Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=1_000_000)]
Seconds: TypeAlias = Annotated[float, Meta(ge=-1e9, le=1e9)]
Ids: TypeAlias = Annotated[list[Word], Meta(max_length=100)]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body that refuses what it does not know."""


class NewUserBody(Body, frozen=True, kw_only=True):
    """Of POST /v1/users/."""

    username: Text
    email: Text
    password: Password
    password_confirmation: Password
    role: Role = Role.NURSE
    hospitals: Ids = []


class UserChangeBody(Body, frozen=True, kw_only=True):
    """Of PATCH /v1/users/{user_id}; what is absent stays."""

    role: Role | None = None
    active: bool | None = None
    hospitals: Ids | None = None


class NewPasswordBody(Body, frozen=True, kw_only=True):
    """Of POST /v1/users/{user_id}/password; users name their old one."""

    old_password: Password | None = None
    password: Password
    password_confirmation: Password


class NewModelBody(Body, frozen=True, kw_only=True):
    """Of POST /v1/models/."""

    name: Text
    publishing_channel: Text


class NewHospitalBody(Body, frozen=True, kw_only=True):
    """Of POST /v1/hospitals/."""

    name: Text
    rgh_rule: dict[str, Any] | None = None


class HospitalChangeBody(Body, frozen=True, kw_only=True):
    """Of PATCH /v1/hospitals/{hospital_id}; what is absent stays, a rule of null goes."""

    name: Text | UnsetType = UNSET
    rgh_rule: dict[str, Any] | UnsetType | None = UNSET


class ProtocolBody(Body, frozen=True, kw_only=True):
    """Which protocol an inference was taken under."""

    id: Word
    sha256: Digest | None = None


class ConsentBody(Body, frozen=True, kw_only=True):
    """A decision as a client reports it."""

    decision: ConsentDecision
    given_by: Code | None = None
    relationship: Text | None = None
    form_signed: Code | None = None
    witness_present: bool | None = None
    assent: Code | None = None
    text_sha256: Digest | None = None
    language: Language | None = None
    purposes: dict[ConsentPurpose, bool] = {}
    taken_at: Instant


class CaptureBody(Body, frozen=True, kw_only=True):
    """What the browser said of its own processing."""

    echo_cancellation: bool | None = None
    noise_suppression: bool | None = None
    auto_gain_control: bool | None = None
    voice_isolation: bool | None = None
    sample_rate_hz: Count | None = None
    device: Text | None = None
    user_agent: Text | None = None


class AttachmentBody(Body, frozen=True, kw_only=True):
    """A recording that is here already, and its place in the inference."""

    id: Word
    role: Word
    take: Annotated[int, Meta(ge=1, le=1000)] = 1
    chosen: bool = True
    speaker: Code | None = None
    started_at: Instant | None = None
    stop_reason: Code | None = None
    prompt_sha256: Digest | None = None
    gaps: Count = 0
    capture: CaptureBody = CaptureBody()


class InferenceBody(Body, frozen=True, kw_only=True):
    """Of PUT /v1/users/{user_id}/inferences/{inference_id} (API.md §2)."""

    purpose: Purpose = Purpose.INFERENCE
    protocol: ProtocolBody | None = None
    model_id: Word | None = None
    form: dict[str, Any] = {}
    rgh_override: Text | None = None
    identity_check: Code | None = None
    consent: ConsentBody
    recordings: Annotated[list[AttachmentBody], Meta(max_length=64)] = []
    not_done: Annotated[dict[Word, Word], Meta(max_length=16)] = {}
    stopped_early: bool = False
    captured_at: Instant
    clock_offset_s: Seconds | None = None
    tablet_id: Word | None = None
    app_version: AppVersion | None = None


def canonical_sha256(document: Mapping[str, object]) -> Sha256:
    """Return the digest of a JSON object in its one canonical spelling.

    Order, blanks and escapes do not count, so a client may spell a repeat differently.
    """
    canonical = json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return Sha256(hashlib.sha256(canonical.encode()).hexdigest())


def inference_request(
    body: InferenceBody, *, inference_id: str, user_id: UserId, content_sha256: Sha256
) -> InferenceRequest:
    """Return the request the use case takes. Raises InvalidRequest."""
    protocol = body.protocol
    return InferenceRequest(
        id=InferenceId(parse_uuid(inference_id, field="inference_id")),
        user_id=user_id,
        purpose=body.purpose,
        protocol_id=ProtocolId(protocol.id) if protocol else None,
        protocol_sha256=Sha256(protocol.sha256) if protocol and protocol.sha256 else None,
        model_id=ModelId(parse_uuid(body.model_id, field="model_id")) if body.model_id else None,
        form=body.form,
        rgh_override=body.rgh_override,
        identity_check=body.identity_check,
        consent=_consent(body.consent),
        attachments=tuple(_attachment(n, one) for n, one in enumerate(body.recordings)),
        not_done=body.not_done,
        stopped_early=body.stopped_early,
        captured_at=_with_offset(body.captured_at, "captured_at"),
        clock_offset_s=body.clock_offset_s,
        tablet_id=parse_uuid(body.tablet_id, field="tablet_id") if body.tablet_id else None,
        app_version=body.app_version,
        content_sha256=content_sha256,
    )


def _consent(body: ConsentBody) -> ConsentRequest:
    """Return the decision; what only the box or a 2022 request may say is refused."""
    if body.decision not in {ConsentDecision.ACCEPTED, ConsentDecision.REFUSED}:
        raise _invalid("consent.decision", "accepted or refused")
    return ConsentRequest(
        decision=body.decision,
        given_by=body.given_by,
        relationship=body.relationship,
        form_signed=body.form_signed,
        witness_present=body.witness_present,
        assent=body.assent,
        text_sha256=body.text_sha256,
        language=body.language,
        purposes={str(purpose): given for purpose, given in body.purposes.items()},
        taken_at=_utc(body.taken_at, "consent.taken_at"),
    )


def _attachment(number: int, body: AttachmentBody) -> AttachmentRequest:
    field = f"recordings.{number}"
    return AttachmentRequest(
        recording_id=RecordingId(parse_uuid(body.id, field=f"{field}.id")),
        role=body.role,
        take=body.take,
        chosen=body.chosen,
        speaker=body.speaker,
        started_at=_utc(body.started_at, f"{field}.started_at") if body.started_at else None,
        stop_reason=body.stop_reason,
        prompt_sha256=body.prompt_sha256,
        gaps=body.gaps,
        capture=Capture(
            echo_cancellation=body.capture.echo_cancellation,
            noise_suppression=body.capture.noise_suppression,
            auto_gain_control=body.capture.auto_gain_control,
            voice_isolation=body.capture.voice_isolation,
            sample_rate_hz=body.capture.sample_rate_hz,
            device=body.capture.device,
            user_agent=body.capture.user_agent,
        ),
    )


def _utc(instant: datetime, field: str) -> datetime:
    """Return the instant in UTC; the first and last hours of the calendar have none."""
    try:
        return instant.astimezone(UTC)
    except OverflowError as refusal:
        raise _invalid(field, "an instant between the years 1 and 9999") from refusal


def _with_offset(instant: datetime, field: str) -> datetime:
    """Return the instant in its own offset: that says which day it was where the patient is."""
    _utc(instant, field)
    return instant


def _invalid(field: str, must: str) -> InvalidRequest:
    return InvalidRequest(
        errors=(FieldError(field=field, code="invalid", message=f"must be {must}"),)
    )
