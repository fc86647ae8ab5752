"""Take in one recording: check it, make it durable, and only then say that it is here."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.audit import AuditAction, AuditEntry, audited
from appliance.core.errors import (
    ContentConflict,
    DigestMismatch,
    FieldError,
    InvalidRequest,
    RecordingRefused,
)
from appliance.core.ids import ProtocolId, RecordingId, Sha256, UserId
from appliance.core.inference import Recording
from appliance.core.quality import measure
from appliance.core.wav import read_wav
from appliance.ports import AudioPart, AudioStore, Clock, ProtocolRecords, RecordingRecords, Stored
from appliance.usecases.housekeeping import erase_unreferenced
from appliance.usecases.protocols import parsed


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRequest:
    """What a client says of the bytes it sends.

    Attributes:
        protocol_id: None means the active one.
        declared_sha256: of the body, when the client sent Content-Digest.
    """

    id: RecordingId
    user_id: UserId
    role: str
    protocol_id: ProtocolId | None
    declared_sha256: Sha256 | None


def take_in_recording(
    request: RecordingRequest,
    part: AudioPart,
    *,
    actor: str,
    clock: Clock,
    protocols: ProtocolRecords,
    recordings: RecordingRecords,
    audio: AudioStore,
) -> tuple[Recording, Stored]:
    """Store a recording that has arrived whole; file first, then its row.

    Whatever happens the part is gone or kept afterwards, never left behind.

    Args:
        request: what the client says of it.
        part: the bytes, all written.
        actor: who sends it, for the audit: its user, or the console.

    Returns:
        The recording with its measures, and whether it was here before.

    Raises:
        UnsupportedAudio, InvalidAudio: what arrived is no recording the box takes.
        DigestMismatch: what arrived is not what the client declared.
        ContentConflict: the id is here with other content.
        RecordingRefused: consent to it was refused; nothing of it is kept.
        ProtocolNotFound; InvalidRequest: the protocol has no such role.
    """
    try:
        recording = _checked(request, part, clock=clock, protocols=protocols)
        _refuse_conflict(recording, recordings)
        stored = _kept(recording, part, actor=actor, recordings=recordings, audio=audio)
    finally:
        part.discard()
    if stored is Stored.SAME:
        recording = recordings.recording(recording.id)
    return recording, stored


def _kept(
    recording: Recording,
    part: AudioPart,
    *,
    actor: str,
    recordings: RecordingRecords,
    audio: AudioStore,
) -> Stored:
    """Keep file and row; of what a patient refused nothing stays, also if the refusal is new."""
    try:
        with audio.settling():
            part.keep()
            return recordings.add_recording(recording, audit=_entry(recording, actor))
    except RecordingRefused:
        erase_unreferenced(recording.sha256, audio=audio, recordings=recordings)
        raise


def _entry(recording: Recording, actor: str) -> AuditEntry:
    return audited(
        AuditAction.RECORDING_STORED,
        recording.id,
        at=recording.received_at,
        actor=actor,
        sha256=recording.sha256,
    )


def _refuse_conflict(recording: Recording, recordings: RecordingRecords) -> None:
    """Refuse other content under a known id before its bytes stay on disk."""
    for known in recordings.recordings((recording.id,)):
        if known.sha256 != recording.sha256:
            raise ContentConflict(recording_id=recording.id)


def _checked(
    request: RecordingRequest, part: AudioPart, *, clock: Clock, protocols: ProtocolRecords
) -> Recording:
    protocol = parsed(
        protocols.protocol(request.protocol_id)
        if request.protocol_id
        else protocols.active_protocol()
    )
    if request.role not in {task.role for task in protocol.recordings}:
        raise InvalidRequest(
            "The protocol has no such role.",
            errors=(FieldError(field="role", code="enum", message="not a role of the protocol"),),
        )
    sha256 = part.sha256()
    if request.declared_sha256 is not None and request.declared_sha256 != sha256:
        raise DigestMismatch
    content = part.content()
    wav = read_wav(content)
    return Recording(
        id=request.id,
        user_id=request.user_id,
        role=request.role,
        protocol_id=ProtocolId(protocol.id),
        sha256=sha256,
        n_bytes=len(content),
        measures=measure(wav.waveform(), wav.sample_rate_hz),
        received_at=clock(),
    )
