"""Any bytes as a multipart request: fields and recordings, or a refusal by name.

The first line is the Content-Type; how long it is says in what pieces the body comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import cache
from typing import Final

from appliance.core.errors import InvalidForm, MalformedRequest, TooLarge, UnsupportedMediaType
from appliance.web.multipart import MAX_FIELD_BYTES, Upload, receive
from tests.fakes_io import FakeAudioStore

ROLES: Final = ("sustentada", "parlenda")


def one(content: bytes) -> None:
    """Receive it; whatever happens, nothing is left of it but what was sent."""
    head, _, body = content.partition(b"\n")
    upload = Upload()
    store = FakeAudioStore()
    try:
        _runner().run(
            receive(
                _pieces(body, 1 + len(head) % 61),
                head.decode("latin-1"),
                upload=upload,
                roles=ROLES,
                begin=store.begin,
            )
        )
    except (InvalidForm, MalformedRequest, TooLarge, UnsupportedMediaType):
        pass
    else:
        assert all(len(text.encode()) <= MAX_FIELD_BYTES for text in upload.fields.values())
        assert sum(writer.n_bytes for writer in upload.writers.values()) <= len(body)
    finally:
        upload.discard()


async def _pieces(body: bytes, n_bytes: int) -> AsyncIterator[bytes]:
    for at in range(0, len(body), n_bytes):
        yield body[at : at + n_bytes]


@cache
def _runner() -> asyncio.Runner:
    return asyncio.Runner()
