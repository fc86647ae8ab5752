"""What a connection is answered when the application is not even asked."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import msgspec

from appliance.core.errors import ApplianceError, Overloaded
from appliance.web import problems
from appliance.web.headers import SECURITY_HEADERS

Headers = list[tuple[bytes, bytes]]


def answer_bytes(error: ApplianceError, default_headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return a whole HTTP/1.1 answer with the headers and body of any other error."""
    status, headers, body = _answer(error)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode()]
    lines += [name + b": " + text for name, text in (*default_headers, *headers)]
    return b"\r\n".join([*lines, b"", body])


async def overloaded(_scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
    """Answer in place of the application while too many requests are under way."""
    status, headers, body = _answer(Overloaded())
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _answer(error: ApplianceError) -> tuple[HTTPStatus, Headers, bytes]:
    told = problems.from_error(error)
    body = msgspec.json.encode(told.content)
    headers = {
        "Content-Type": problems.MEDIA_TYPE,
        "Content-Length": str(len(body)),
        "Connection": "close",
        **SECURITY_HEADERS,
    }
    encoded = [(name.lower().encode(), text.encode()) for name, text in headers.items()]
    return problems.status_of(type(error)), encoded, body
