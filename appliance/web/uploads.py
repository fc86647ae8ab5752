"""One recording as the raw body of a request, streamed to its part file."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from appliance.core.errors import DigestMismatch
from appliance.core.ids import Sha256
from appliance.web.multipart import PartWriter
from appliance.web.requests import BoxRequest

WAV_TYPES: Final = (
    "audio/wav",
    "audio/x-wav",
    "audio/wave",
    "audio/vnd.wave",
    "application/octet-stream",
)

# One member of an RFC 9651 dictionary whose value is a byte sequence, as RFC 9530 has it.
_MEMBER: Final = re.compile(r"\s*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):\s*(?:;[^,]*)?")
_SHA256_BYTES: Final = 32


def declared_sha256(header: str | None) -> Sha256:
    """Return the SHA-256 that a Content-Digest declares.

    Raises:
        DigestMismatch: there is none, or it is not written as RFC 9530 says.
    """
    declared = None
    for member in (header or "").split(","):
        match = _MEMBER.fullmatch(member)
        if match is None:
            raise DigestMismatch
        if match.group(1) == "sha-256":
            declared = match.group(2)
    try:
        digest = base64.b64decode(declared or "", validate=True)
    except binascii.Error as refusal:
        raise DigestMismatch from refusal
    if len(digest) != _SHA256_BYTES:
        raise DigestMismatch
    return Sha256(digest.hex())


async def receive_raw(request: BoxRequest, writer: PartWriter) -> None:
    """Write the whole body to the part. Raises TooLarge, DiskFull."""
    async for chunk in request.stream():
        await writer.write(chunk)
    await writer.flush()
