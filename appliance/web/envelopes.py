"""What tablets seal: the key they seal to, and the items they bring."""

from __future__ import annotations

import asyncio
import base64
import logging
from functools import partial
from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from litestar import Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta

from appliance.bootstrap import Appliance
from appliance.core.envelope import ALGORITHM, MAX_SEALED_BYTES, Receipt, key_id
from appliance.core.errors import DigestMismatch, TooLarge
from appliance.core.ids import Sha256, parse_uuid
from appliance.core.signing_key import fingerprint_of
from appliance.ports import AudioPart, Stored
from appliance.web.bodies import (
    Body,
    Digest,
    Word,
)
from appliance.web.described import TakesHeader, also, may_fail, reads, takes, takes_json
from appliance.web.multipart import PartWriter
from appliance.web.requests import BoxRequest
from appliance.web.sealed import take_in
from appliance.web.tablets import carrier
from appliance.web.threads import to_end
from appliance.web.tokens import FOR_TABLETS
from appliance.web.uploads import declared_sha256, receive_raw

MEDIA_TYPE: Final = "application/octet-stream"

_SEALED: Final = {"type": "string", "format": "binary"}
_CONTENT_DIGEST: Final = TakesHeader(
    name="Content-Digest",
    meaning="SHA-256 of the body (RFC 9530)",
    required=True,
    pattern="^sha-256=:[A-Za-z0-9+/]{43}=:$",
)
_log = logging.getLogger(__name__)


class OutboxKey(msgspec.Struct, frozen=True, kw_only=True):
    """What tablets seal to; `signature` is the box's over the 65 bytes of the key."""

    key_id: str
    public_key: str
    fingerprint: str
    algorithm: str
    signature: str
    signed_by: str


class ReceiptWire(msgspec.Struct, frozen=True, kw_only=True):
    """That an item is on the box's disk; `sha256` is of what was sealed."""

    id: str
    sha256: str
    seq: int
    epoch: str


class ItemBody(Body, frozen=True, kw_only=True):
    """An item a tablet still keeps."""

    id: Word
    sha256: Digest


class ItemsBody(Body, frozen=True, kw_only=True):
    """Of POST /v1/envelopes/missing."""

    items: Annotated[list[ItemBody], Meta(max_length=500)]


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """The ids of the items that have to be sent again."""

    missing: tuple[str, ...]


@get(
    "/v1/outbox-key",
    exclude_from_auth=True,
    tags=("envelopes",),
    responses=may_fail(),
    sync_to_thread=True,
)
def outbox_key(appliance: NamedDependency[Appliance]) -> OutboxKey:
    """Return the public key that tablets seal to, signed by the box."""
    public_key, signer = appliance.opener().public_key, appliance.signer()
    return OutboxKey(
        key_id=key_id(public_key).hex(),
        public_key=_base64(public_key),
        fingerprint=fingerprint_of(public_key),
        algorithm=ALGORITHM,
        signature=_base64(signer.sign(public_key)),
        signed_by=fingerprint_of(signer.public_key),
    )


@put(
    "/v1/envelopes/{item_id:str}",
    guards=(carrier,),
    tags=("envelopes",),
    status_code=HTTPStatus.CREATED,
    request_max_body_size=MAX_SEALED_BYTES,
    opt=takes(MEDIA_TYPE, _SEALED) | reads(_CONTENT_DIGEST) | FOR_TABLETS,
    responses=may_fail(400, 401, 403, 404, 409, 410, 411, 413, 415, 422)
    | also(200, ReceiptWire, "It was here already, with the same content"),
)
async def send_envelope(
    item_id: FromPath[str],
    request: BoxRequest,
    appliance: NamedDependency[Appliance],
    measuring: NamedDependency[asyncio.Semaphore],
) -> Response[ReceiptWire]:
    """Send one sealed item; may be repeated, sealed anew or not."""
    request.take_only(MEDIA_TYPE)
    request.require_length()
    if (request.content_length or 0) > MAX_SEALED_BYTES:
        raise TooLarge(max_bytes=MAX_SEALED_BYTES)
    asked = parse_uuid(item_id, field="item_id")
    declared = declared_sha256(request.headers.get("content-digest"))
    begin = partial(appliance.audio.begin, max_bytes=MAX_SEALED_BYTES)
    part = await to_end(begin, undo=lambda part: part.discard())
    try:
        await receive_raw(request, PartWriter(part))
        async with measuring:
            receipt, stored = await to_end(
                lambda: take_in(
                    asked,
                    _declared_content(part, declared),
                    bearer=request.user.id,
                    appliance=appliance,
                )
            )
    finally:
        await to_end(part.discard)
    status = HTTPStatus.CREATED if stored is Stored.NEW else HTTPStatus.OK
    return Response(_receipt(receipt, appliance), status_code=status)


@post(
    "/v1/envelopes/missing",
    guards=(carrier,),
    tags=("envelopes",),
    status_code=HTTPStatus.OK,
    opt=takes_json(ItemsBody) | FOR_TABLETS,
    responses=may_fail(400, 401, 403, 413, 415, 422),
)
async def missing(request: BoxRequest, appliance: NamedDependency[Appliance]) -> Missing:
    """Return which items are not here: after a restart the box may be an older copy of itself."""
    sent = await request.read_json(ItemsBody)
    items = [(parse_uuid(one.id, field="items.id"), Sha256(one.sha256)) for one in sent.items]
    return Missing(missing=await asyncio.to_thread(appliance.envelopes.missing, items))


def _declared_content(part: AudioPart, declared: Sha256) -> bytes:
    """Return what arrived. Raises DigestMismatch: it is not what was sent."""
    if part.sha256() != declared:
        raise DigestMismatch
    return part.content()


def _receipt(receipt: Receipt, appliance: Appliance) -> ReceiptWire:
    return ReceiptWire(
        id=receipt.item_id, sha256=receipt.sha256, seq=receipt.seq, epoch=appliance.owner
    )


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
