"""Inferences: the 2022 multipart request, the idempotent PUT, and lists of one's own."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from litestar import Controller, Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath

from appliance.bootstrap import Appliance
from appliance.core.errors import InferenceNotFound
from appliance.core.form_values import ABSENT_TEXTS
from appliance.core.ids import InferenceId, ModelId, parse_uuid
from appliance.core.inference import Inference, InferenceStatus
from appliance.core.wav import MAX_BYTES
from appliance.ports import Stored
from appliance.usecases.legacy import LegacySubmission, submit_legacy
from appliance.usecases.submit import submit_inference
from appliance.web import wire
from appliance.web.bodies import InferenceBody, canonical_sha256, inference_request
from appliance.web.described import Link, also, leads_to, may_fail, takes, takes_json
from appliance.web.guards import NURSE, own_path
from appliance.web.listing import Listed, read_query
from appliance.web.multipart import Upload, receive
from appliance.web.requests import BoxRequest
from appliance.web.threads import to_end

ROLES_2022: Final = ("aceite", "sustentada", "parlenda", "frase")
MAX_UPLOAD_BYTES: Final = len(ROLES_2022) * MAX_BYTES + 8 * 1024 * 1024
"""Four recordings of the longest kind, and a hundred fields of 64 KiB."""

_FORM_2022: Final = {
    "type": "object",
    "required": ["aceite", "sustentada", "parlenda"],
    "properties": {
        **{role: {"type": "string", "format": "binary"} for role in ROLES_2022},
        **{field: {"type": "string"} for field in (*wire.FORM_FIELDS_2022, "model_id")},
    },
}

_ENCODING_2022: Final = {role: {"contentType": "audio/wav"} for role in ROLES_2022}
_LIST: Final = "/v1/users/{user_id}/inferences"
_ONE: Final = _LIST + "/{inference_id}"


def _one_inference(status: int, pointer: str) -> tuple[Link, ...]:
    """Return what can be asked of an inference whose id stands in the answer."""
    ids = {"user_id": "$request.path.user_id", "inference_id": f"$response.body#/{pointer}"}
    paths = (_ONE, f"{_ONE}/result", f"{_ONE}/results")
    return tuple(Link(to=f"GET {path}", on=status, ids=ids) for path in paths)


_NEXT_PAGE: Final = Link(
    to=f"GET {_LIST}",
    on=200,
    ids={"user_id": "$request.path.user_id", "after": "$response.body#/next"},
)
_ITS_RECORDING: Final = Link(
    to=f"GET {_ONE}/recordings/{{recording_id}}",
    on=200,
    ids={
        "user_id": "$request.path.user_id",
        "inference_id": "$request.path.inference_id",
        "recording_id": "$response.body#/recordings/0/id",
    },
)


class InferenceController(Controller):
    """Nurses see and send their own."""

    path = "/v1/users/{user_id:str}/inferences"
    tags = ("inferences",)
    guards = (NURSE, own_path)

    @post(
        status_code=HTTPStatus.OK,
        request_max_body_size=MAX_UPLOAD_BYTES,
        opt=takes("multipart/form-data", _FORM_2022, encoding=_ENCODING_2022)
        | leads_to(*_one_inference(200, "inference_id")),
        responses=may_fail(400, 401, 403, 404, 411, 413, 415, 422),
    )
    async def submit_2022(
        self,
        request: BoxRequest,
        appliance: NamedDependency[Appliance],
        measuring: NamedDependency[asyncio.Semaphore],
    ) -> wire.InferenceCreated:
        """Send form and recordings at once, every field as text (the request of 2022)."""
        request.take_only("multipart/form-data")
        request.require_length()
        upload = Upload()
        try:
            await receive(
                request.stream(),
                request.headers.get("content-type", ""),
                upload=upload,
                roles=ROLES_2022,
                begin=appliance.audio.begin,
            )
            async with measuring:
                inference = await to_end(lambda: _submit_2022(upload, request, appliance))
        finally:
            await to_end(upload.discard)
        return wire.InferenceCreated(inference_id=inference.id)

    @put(
        "/{inference_id:str}",
        status_code=HTTPStatus.CREATED,
        opt=takes_json(InferenceBody) | leads_to(*_one_inference(201, "id")),
        responses=may_fail(400, 401, 403, 404, 409, 413, 415, 422)
        | also(200, dict[str, Any], "It was here already, with the same content"),
    )
    async def submit(
        self,
        inference_id: FromPath[str],
        request: BoxRequest,
        appliance: NamedDependency[Appliance],
    ) -> Response[dict[str, Any]]:
        """Send an inference whose recordings are here; may be repeated with the same content."""
        sent, plain = await request.read_json_twice(InferenceBody)
        asked = inference_request(
            sent,
            inference_id=inference_id,
            user_id=request.user.id,
            content_sha256=await asyncio.to_thread(canonical_sha256, plain),
        )
        inference, stored = await asyncio.to_thread(
            submit_inference,
            asked,
            actor=request.user.id,
            clock=appliance.clock,
            new_id=appliance.new_id,
            records=appliance.submission_records(),
            audio=appliance.audio,
            queue=appliance.queue,
        )
        status = HTTPStatus.CREATED if stored is Stored.NEW else HTTPStatus.OK
        return Response(wire.inference(inference), status_code=status)

    @get(
        opt=leads_to(*_one_inference(200, "inferences/0/id"), _NEXT_PAGE),
        responses=may_fail(401, 403, 422),
        sync_to_thread=True,
    )
    def list_own(
        self, request: BoxRequest, appliance: NamedDependency[Appliance]
    ) -> Response[wire.InferenceList]:
        """Return one's own inferences, newest first; without parameters all of them."""
        query = read_query(
            dict(request.query_params.items()), user_id=request.user.id, whole_by_default=True
        )
        page = appliance.inferences.find(query)
        return Listed(map(wire.inference, page.inferences), following=page.next)

    @get(
        "/{inference_id:str}",
        opt=leads_to(_ITS_RECORDING),
        responses=may_fail(401, 403, 404, 422),
        sync_to_thread=True,
    )
    def show(
        self,
        inference_id: FromPath[str],
        request: BoxRequest,
        appliance: NamedDependency[Appliance],
    ) -> dict[str, Any]:
        """Return one's own inference; the first opening of its diagnosis is remembered."""
        inference = own_inference(inference_id, request, appliance)
        return wire.inference(shown_to_its_nurse(inference, appliance))


def own_inference(inference_id: str, request: BoxRequest, appliance: Appliance) -> Inference:
    """Return an inference of the user who asks; another's is not found."""
    asked = InferenceId(parse_uuid(inference_id, field="inference_id"))
    inference = appliance.inferences.inference(asked)
    if inference.user_id != request.user.id:
        raise InferenceNotFound(inference_id=asked)
    return inference


def shown_to_its_nurse(inference: Inference, appliance: Appliance) -> Inference:
    """Return the inference as shown to the nurse it is of; what has an answer is shown once.

    The list of one's own marks nothing: it is what tells which were never opened.
    """
    answered = inference.model_id is not None and inference.status is not InferenceStatus.PROCESSING
    if inference.first_shown_at is not None or not answered:
        return inference
    now = appliance.clock()
    appliance.inferences.mark_shown(inference.id, at=now)
    return replace(inference, first_shown_at=now)


def _submit_2022(upload: Upload, request: BoxRequest, appliance: Appliance) -> Inference:
    named = upload.fields.get("model_id", "").strip()
    model_id = None if named in ABSENT_TEXTS else ModelId(parse_uuid(named, field="model_id"))
    asked = LegacySubmission(user_id=request.user.id, answers=upload.fields, model_id=model_id)
    return submit_legacy(
        asked,
        upload.parts(),
        actor=request.user.id,
        clock=appliance.clock,
        new_id=appliance.new_id,
        records=appliance.submission_records(),
        audio=appliance.audio,
        queue=appliance.queue,
    )
