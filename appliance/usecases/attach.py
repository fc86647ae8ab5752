"""Put recordings into their places in an inference, each with its final verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from appliance.core.errors import FieldError, InvalidForm, InvalidRequest, RecordingsMissing
from appliance.core.ids import RecordingId
from appliance.core.inference import Attachment, Recording
from appliance.core.protocol import Protocol, RecordingTask
from appliance.core.quality import ROOM_NOISE_ROLE, judge, room_noise_db
from appliance.core.submission import NOT_DONE_REASONS, AttachmentRequest, InferenceRequest
from appliance.ports import RecordingRecords


def attachments(
    request: InferenceRequest, protocol: Protocol, recordings: RecordingRecords
) -> tuple[Attachment, ...]:
    """Return the attachments of a request, judged by the limits of its protocol.

    Raises:
        RecordingsMissing: details.missing names the ids that are not here (or are another's).
        InvalidRequest: a place is taken twice, a role is unknown, or a required one is
            neither recorded nor explained.
        InvalidForm: a 2022 request lacks a required recording.
    """
    here = _present(request, recordings)
    tasks = {task.role: task for task in protocol.recordings}
    faults = [*_place_faults(request.attachments, here, tasks), *_not_done_faults(request, tasks)]
    if faults:
        raise InvalidRequest("Recordings do not fit the protocol.", errors=tuple(faults))
    _require_all(request, protocol)
    noise_db = _room_noise_db(request.attachments, here)
    return tuple(
        _attachment(asked, here[asked.recording_id], tasks[asked.role], noise_db)
        for asked in request.attachments
    )


def _present(
    request: InferenceRequest, recordings: RecordingRecords
) -> Mapping[RecordingId, Recording]:
    asked = [attachment.recording_id for attachment in request.attachments]
    here = {
        recording.id: recording
        for recording in recordings.recordings(asked)
        if recording.user_id == request.user_id
    }
    missing = tuple(recording_id for recording_id in asked if recording_id not in here)
    if missing:
        raise RecordingsMissing(missing=missing)
    return here


def _place_faults(
    asked: Sequence[AttachmentRequest],
    here: Mapping[RecordingId, Recording],
    tasks: Mapping[str, RecordingTask],
) -> list[FieldError]:
    faults: list[FieldError] = []
    takes: set[tuple[str, int]] = set()
    chosen: set[str] = set()
    seen: set[RecordingId] = set()
    for number, attachment in enumerate(asked):
        field = f"recordings.{number}"
        if attachment.role not in tasks:
            faults.append(_fault(f"{field}.role", "enum", "not a role of the protocol"))
        elif here[attachment.recording_id].role != attachment.role:
            faults.append(_fault(f"{field}.role", "conflict", "was sent as another role"))
        if attachment.recording_id in seen:
            faults.append(_fault(f"{field}.id", "duplicate", "named twice"))
        if (attachment.role, attachment.take) in takes:
            faults.append(_fault(f"{field}.take", "duplicate", "this take is named twice"))
        if attachment.chosen and attachment.role in chosen:
            faults.append(_fault(f"{field}.chosen", "duplicate", "another take is chosen"))
        seen.add(attachment.recording_id)
        takes.add((attachment.role, attachment.take))
        if attachment.chosen:
            chosen.add(attachment.role)
    return faults


def _not_done_faults(
    request: InferenceRequest, tasks: Mapping[str, RecordingTask]
) -> list[FieldError]:
    faults = []
    for role, reason in request.not_done.items():
        if role not in tasks:
            faults.append(_fault(f"not_done.{role}", "enum", "not a role of the protocol"))
        if reason not in NOT_DONE_REASONS:
            faults.append(_fault(f"not_done.{role}", "enum", "not a reason of the protocol"))
    return faults


def _require_all(request: InferenceRequest, protocol: Protocol) -> None:
    """Refuse a required role that is neither recorded nor explained."""
    chosen = {attachment.role for attachment in request.attachments if attachment.chosen}
    lacking = [role for role in protocol.required_roles if role not in chosen]
    if request.legacy:
        errors = tuple(_fault(role, "required", "this recording is required") for role in lacking)
        if errors:
            raise InvalidForm(errors=errors)
        return
    unexplained = [role for role in lacking if role not in request.not_done]
    if unexplained:
        raise InvalidRequest(
            "Required recordings are neither here nor explained.",
            errors=tuple(
                _fault(f"not_done.{role}", "required", "recorded or explained, one of them")
                for role in unexplained
            ),
        )


def _room_noise_db(
    asked: Sequence[AttachmentRequest], here: Mapping[RecordingId, Recording]
) -> float | None:
    """Return the level of the room, dB, from the chosen recording of it; None without one."""
    for attachment in asked:
        if attachment.role == ROOM_NOISE_ROLE and attachment.chosen:
            return room_noise_db(here[attachment.recording_id].measures)
    return None


def _attachment(
    asked: AttachmentRequest, recording: Recording, task: RecordingTask, noise_db: float | None
) -> Attachment:
    verdict = judge(recording.measures, task.limits, room_noise_db=noise_db)
    return Attachment(
        recording_id=asked.recording_id,
        role=asked.role,
        take=asked.take,
        chosen=asked.chosen,
        speaker=asked.speaker,
        started_at=asked.started_at,
        stop_reason=asked.stop_reason,
        prompt_sha256=asked.prompt_sha256,
        gaps=asked.gaps,
        capture=asked.capture,
        verdict=verdict.verdict,
        verdict_reasons=verdict.reasons,
    )


def _fault(field: str, code: str, message: str) -> FieldError:
    return FieldError(field=field, code=code, message=message)
