"""The request of 2022: form and recordings at once, and all of it or nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from appliance.core.audit import AuditAction, audited
from appliance.core.errors import (
    ApplianceError,
    FieldError,
    InvalidAudio,
    InvalidForm,
    UnsupportedAudio,
)
from appliance.core.ids import InferenceId, ModelId, RecordingId, Sha256, UserId
from appliance.core.inference import (
    Capture,
    ConsentDecision,
    Inference,
    Purpose,
    Recording,
)
from appliance.core.protocol import Protocol
from appliance.core.submission import AttachmentRequest, ConsentRequest, InferenceRequest
from appliance.ports import AudioPart, AudioStore, Clock, JobQueue, NewId
from appliance.usecases.choose_model import choose_model
from appliance.usecases.housekeeping import erase_unreferenced
from appliance.usecases.judge import judged_form
from appliance.usecases.protocols import parsed
from appliance.usecases.record import RecordingRequest, take_in_recording
from appliance.usecases.submit import SubmissionRecords, submit_inference


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacySubmission:
    """What the multipart request says besides its recordings.

    Attributes:
        answers: every field as text, unknown ones too; or typed ones.
        model_id: None means the default model.
        typed: the answers are those of today's requests: JSON types, nothing unknown.
    """

    user_id: UserId
    answers: Mapping[str, object]
    model_id: ModelId | None
    typed: bool = False


def submit_legacy(
    asked: LegacySubmission,
    parts: Mapping[str, AudioPart],
    *,
    actor: str,
    clock: Clock,
    new_id: NewId,
    records: SubmissionRecords,
    audio: AudioStore,
    queue: JobQueue,
) -> Inference:
    """Store a 2022 request through the use cases of today; a refusal leaves nothing behind.

    Args:
        parts: role -> recording, all written; kept or gone afterwards.
        actor: who sends it, for the audit: its user, or the console.

    Raises:
        InvalidForm (all faults), UnsupportedAudio, InvalidAudio, ModelNotFound, ModelNotReady.
    """
    now, protocol = clock(), parsed(records.protocols.active_protocol())
    kept: list[Recording] = []
    try:
        _judge_before_keeping(asked, parts, protocol, now=now, records=records)
        take_in = partial(
            take_in_recording,
            actor=actor,
            clock=clock,
            protocols=records.protocols,
            recordings=records.recordings,
            audio=audio,
        )
        for role, part in parts.items():
            with _blaming(role):
                kept.append(take_in(_recording_request(asked, role, protocol, new_id), part)[0])
        return submit_inference(
            _request(asked, kept, protocol, now=now, new_id=new_id),
            actor=actor,
            clock=clock,
            new_id=new_id,
            records=records,
            audio=audio,
            queue=queue,
        )[0]
    except ApplianceError:
        _erase(kept, actor=actor, clock=clock, records=records, audio=audio)
        raise
    finally:
        for part in parts.values():
            part.discard()


@contextmanager
def _blaming(role: str) -> Iterator[None]:
    """Name the recording at fault: one request brings several."""
    try:
        yield
    except (UnsupportedAudio, InvalidAudio) as refusal:
        fault = FieldError(field=role, code=refusal.code, message="this recording is refused")
        raise type(refusal)(refusal.detail, errors=(fault,), **refusal.details) from refusal


def _judge_before_keeping(
    asked: LegacySubmission,
    parts: Mapping[str, AudioPart],
    protocol: Protocol,
    *,
    now: datetime,
    records: SubmissionRecords,
) -> None:
    """Refuse what can be refused before any recording is kept, naming all faults at once."""
    lacking = tuple(
        FieldError(field=role, code="required", message="this recording is required")
        for role in protocol.required_roles
        if role not in parts
    )
    try:
        judged_form(
            asked.answers,
            protocol,
            legacy=not asked.typed,
            captured_at=now,
            hospitals=records.hospitals.hospitals(),
        )
    except InvalidForm as refusal:
        raise InvalidForm(errors=(*refusal.errors, *lacking)) from refusal
    if lacking:
        raise InvalidForm(errors=lacking)
    choose_model(asked.model_id, records.models)


def _recording_request(
    asked: LegacySubmission, role: str, protocol: Protocol, new_id: NewId
) -> RecordingRequest:
    return RecordingRequest(
        id=RecordingId(new_id()),
        user_id=asked.user_id,
        role=role,
        protocol_id=protocol.id,
        declared_sha256=None,
    )


def _request(
    asked: LegacySubmission,
    kept: Sequence[Recording],
    protocol: Protocol,
    *,
    now: datetime,
    new_id: NewId,
) -> InferenceRequest:
    return InferenceRequest(
        id=InferenceId(new_id()),
        user_id=asked.user_id,
        purpose=Purpose.INFERENCE,
        protocol_id=protocol.id,
        model_id=asked.model_id,
        form=asked.answers,
        legacy=not asked.typed,
        consent=ConsentRequest(decision=ConsentDecision.UNVERIFIED, purposes={}, taken_at=now),
        attachments=tuple(
            AttachmentRequest(recording_id=one.id, role=one.role, capture=Capture()) for one in kept
        ),
        not_done={},
        captured_at=now,
        content_sha256=_digest(asked, kept),
    )


def _digest(asked: LegacySubmission, kept: Sequence[Recording]) -> Sha256:
    """Return the digest of what was asked; every such request is a new one all the same."""
    content = [
        dict(asked.answers),
        asked.model_id,
        {one.role: one.sha256 for one in kept},
    ]
    canonical = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return Sha256(hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest())


def _erase(
    kept: Sequence[Recording],
    *,
    actor: str,
    clock: Clock,
    records: SubmissionRecords,
    audio: AudioStore,
) -> None:
    """Erase what a refused request had brought; an inference that was stored keeps its own."""
    for recording in kept:
        records.recordings.erase_recording(
            recording.id,
            audit=audited(
                AuditAction.RECORDING_ERASED,
                recording.id,
                at=clock(),
                actor=actor,
                sha256=recording.sha256,
            ),
        )
        erase_unreferenced(recording.sha256, audio=audio, recordings=records.recordings)
