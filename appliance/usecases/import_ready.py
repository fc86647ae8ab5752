"""A visit of an import made ready: its sounds, and what the box is asked to store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from appliance.core.errors import FieldError, InvalidRequest
from appliance.core.form_columns import RGH
from appliance.core.ids import InferenceId, ProtocolId, RecordingId, Sha256, UserId
from appliance.core.import_visit import Sound, Visit, id_of, typed_answers
from appliance.core.inference import Purpose
from appliance.core.protocol import Protocol
from appliance.core.pseudonym import N_HEX_DIGITS
from appliance.core.submission import AttachmentRequest, InferenceRequest
from appliance.ports import ProtocolRecords
from appliance.usecases.protocols import parsed

MAX_SOUND_BYTES: Final = 32 * 1024 * 1024
"""More than the largest recording the box takes."""

LOCAL: Final = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is wanted of an import.

    Attributes:
        user_id: in whose name it is stored.
        hospital: where all of it was taken, by name; None: where each row says.
        rejected: ids of inferences, or paths of files, that are left out.
        purpose: INFERENCE: the default model answers each.
    """

    user_id: UserId
    hospital: str | None = None
    rejected: frozenset[str] = frozenset()
    purpose: Purpose = Purpose.COLLECTION


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A visit with its sounds, as the box would be asked to store it."""

    request: InferenceRequest
    protocol: Protocol
    contents: Mapping[RecordingId, bytes] = field(repr=False)


def ready_visit(visit: Visit, root: Path, wanted: Wanted, protocols: ProtocolRecords) -> Ready:
    """Return what the box would be asked to store.

    Raises:
        InvalidRequest: a sound is not there, or not what it was.
        ProtocolNotFound.
    """
    protocol = parsed(
        protocols.protocol(visit.protocol_id) if visit.protocol_id else protocols.active_protocol()
    )
    sounds = [(sound, _content(sound, root)) for sound in visit.sounds]
    digests = [Sha256(hashlib.sha256(content).hexdigest()) for _, content in sounds]
    ids = [
        sound.id or RecordingId(id_of("recording", digest))
        for (sound, _), digest in zip(sounds, digests, strict=True)
    ]
    answers = typed_answers(visit.answers, protocol)
    if wanted.hospital is not None:
        answers[LOCAL] = wanted.hospital
    if RGH not in answers:
        answers[RGH] = digests[0][:N_HEX_DIGITS]
    request = InferenceRequest(
        id=visit.id or InferenceId(id_of("inference", digests[0])),
        user_id=wanted.user_id,
        purpose=wanted.purpose,
        protocol_id=ProtocolId(protocol.id),
        protocol_sha256=visit.protocol_sha256,
        model_id=None,
        form=answers,
        consent=visit.consent,
        attachments=tuple(map(_place, visit.sounds, ids)),
        not_done=visit.unexplained(protocol),
        stopped_early=visit.stopped_early,
        captured_at=visit.captured_at,
        clock_offset_s=visit.clock_offset_s,
        app_version=visit.app_version,
        content_sha256=Sha256(""),
    )
    told = json.dumps([asdict(request), digests], sort_keys=True, default=str)
    return Ready(
        request=replace(request, content_sha256=Sha256(hashlib.sha256(told.encode()).hexdigest())),
        protocol=protocol,
        contents={one: content for one, (_, content) in zip(ids, sounds, strict=True)},
    )


def _place(sound: Sound, recording_id: RecordingId) -> AttachmentRequest:
    return AttachmentRequest(
        recording_id=recording_id,
        role=sound.role,
        take=sound.take,
        chosen=sound.chosen,
        started_at=sound.started_at,
        gaps=sound.gaps,
        prompt_sha256=sound.prompt_sha256,
        capture=sound.capture,
    )


def _content(sound: Sound, root: Path) -> bytes:
    """Return the bytes of a sound that lies below the root. Raises InvalidRequest."""
    path = (root / sound.path).resolve()
    code, message = "file-missing", "does not exist, cannot be read, or lies elsewhere"
    if path.is_relative_to(root.resolve()):
        try:
            with path.open("rb") as file:
                content = file.read(MAX_SOUND_BYTES)
        except OSError:
            pass
        else:
            if sound.sha256 in {None, hashlib.sha256(content).hexdigest()}:
                return content
            code, message = "digest", "is not what recordings.csv says: copy the export again"
    raise InvalidRequest(
        "A sound is not as it was.",
        errors=(FieldError(field=sound.path, code=code, message=message),),
    )
