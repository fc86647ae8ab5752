"""Recordings: sent as a raw body, opened one at a time and never unseen."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Annotated, Final

from litestar import Controller, Response, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from appliance.bootstrap import Appliance
from appliance.core.audit import AuditAction, audited
from appliance.core.errors import RecordingNotFound, TooLarge
from appliance.core.ids import ProtocolId, RecordingId, UserId, parse_uuid
from appliance.core.inference import Recording
from appliance.core.wav import MAX_BYTES
from appliance.ports import Stored
from appliance.usecases.record import RecordingRequest, take_in_recording
from appliance.web import wire
from appliance.web.described import TakesHeader, also, may_fail, reads, takes
from appliance.web.guards import NURSE, own_path
from appliance.web.inferences import own_inference
from appliance.web.multipart import PartWriter
from appliance.web.ranges import read_range
from appliance.web.requests import BoxRequest
from appliance.web.threads import to_end
from appliance.web.uploads import WAV_TYPES, declared_sha256, receive_raw

MAX_ID_CHARACTERS: Final = 64
_WAV: Final = {"type": "string", "format": "binary"}
_CONTENT_DIGEST: Final = TakesHeader(
    name="Content-Digest",
    meaning="SHA-256 of the body (RFC 9530)",
    required=True,
    pattern="^sha-256=:[A-Za-z0-9+/]{43}=:$",
)
Role = Annotated[str, QueryParameter(min_length=1, max_length=MAX_ID_CHARACTERS)]
ProtocolName = Annotated[
    str | None, QueryParameter(required=False, min_length=1, max_length=MAX_ID_CHARACTERS)
]


class RecordingController(Controller):
    """Nurses send recordings of their own patients."""

    path = "/v1/users/{user_id:str}/recordings"
    tags = ("recordings",)
    guards = (NURSE, own_path)

    @put(
        "/{recording_id:str}",
        status_code=HTTPStatus.CREATED,
        request_max_body_size=MAX_BYTES,
        opt=takes("audio/wav", _WAV) | reads(_CONTENT_DIGEST),
        responses=may_fail(400, 401, 403, 404, 409, 410, 411, 413, 415, 422)
        | also(200, wire.RecordingWire, "It was here already, with the same content"),
    )
    async def send(
        self,
        recording_id: FromPath[str],
        role: Role,
        request: BoxRequest,
        appliance: NamedDependency[Appliance],
        measuring: NamedDependency[asyncio.Semaphore],
        protocol: ProtocolName = None,
    ) -> Response[wire.RecordingWire]:
        """Send one WAV as the body; may be repeated with the same content."""
        request.take_only(*WAV_TYPES)
        request.require_length()
        if (request.content_length or 0) > MAX_BYTES:
            raise TooLarge(max_bytes=MAX_BYTES)
        asked = RecordingRequest(
            id=RecordingId(parse_uuid(recording_id, field="recording_id")),
            user_id=request.user.id,
            role=role,
            protocol_id=ProtocolId(protocol) if protocol else None,
            declared_sha256=declared_sha256(request.headers.get("content-digest")),
        )
        recording, stored = await _take_in(asked, request, appliance, measuring)
        status = HTTPStatus.CREATED if stored is Stored.NEW else HTTPStatus.OK
        return Response(wire.recording(recording), status_code=status)


class AttachedRecordingController(Controller):
    """Nurses open recordings of their own inferences."""

    path = "/v1/users/{user_id:str}/inferences/{inference_id:str}/recordings"
    tags = ("recordings",)
    guards = (NURSE, own_path)

    @get(
        "/{recording_id:str}",
        media_type="audio/wav",
        opt=reads(TakesHeader(name="Range", meaning="One range of bytes")),
        responses=may_fail(401, 403, 404, 416, 422)
        | also(206, bytes, "The range asked for", media_type="audio/wav"),
        sync_to_thread=True,
    )
    def open_recording(
        self,
        user_id: FromPath[str],
        inference_id: FromPath[str],
        recording_id: FromPath[str],
        request: BoxRequest,
        appliance: NamedDependency[Appliance],
    ) -> Response[bytes]:
        """Return the WAV as it was received, or one range of it; every opening is audited."""
        inference = own_inference(inference_id, request, appliance)
        asked = RecordingId(parse_uuid(recording_id, field="recording_id"))
        if asked not in {attached.recording_id for attached in inference.attachments}:
            raise RecordingNotFound(recording_id=asked)
        content = appliance.audio.read(appliance.recordings.recording(asked).sha256)
        window = read_range(request.headers.get("range"), len(content))
        _audit_opening(asked, UserId(user_id), appliance)
        return _answer(asked, content, window)


async def _take_in(
    asked: RecordingRequest,
    request: BoxRequest,
    appliance: Appliance,
    measuring: asyncio.Semaphore,
) -> tuple[Recording, Stored]:
    """Stream the body to a part file and take it in; a client that leaves leaves nothing."""
    part = await to_end(appliance.audio.begin, undo=lambda part: part.discard())
    try:
        await receive_raw(request, PartWriter(part))
        async with measuring:
            return await to_end(
                lambda: take_in_recording(
                    asked,
                    part,
                    actor=request.user.id,
                    clock=appliance.clock,
                    protocols=appliance.protocols,
                    recordings=appliance.recordings,
                    audio=appliance.audio,
                )
            )
    finally:
        await to_end(part.discard)


def _answer(recording_id: RecordingId, content: bytes, window: slice | None) -> Response[bytes]:
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'attachment; filename="{recording_id}.wav"',
        "Content-Security-Policy": "sandbox",
    }
    if window is None:
        return Response(content, headers=headers)
    headers["Content-Range"] = f"bytes {window.start}-{window.stop - 1}/{len(content)}"
    return Response(content[window], headers=headers, status_code=HTTPStatus.PARTIAL_CONTENT)


def _audit_opening(recording_id: RecordingId, user_id: UserId, appliance: Appliance) -> None:
    appliance.audit.append(
        audited(
            AuditAction.RECORDING_OPENED,
            recording_id,
            at=appliance.clock(),
            actor=user_id.lower(),
        )
    )
