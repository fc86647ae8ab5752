"""Requests the well-behaved test client cannot send: half bodies, other peers, raw headers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from litestar import Litestar


async def speak(
    app: Litestar,
    method: str,
    path: str,
    *,
    headers: Iterable[tuple[str, str]] = (),
    chunks: Sequence[bytes] = (b"",),
    leaves: bool = False,
    peer: str = "192.0.2.7",
) -> tuple[int, dict[str, str], bytes]:
    """Send one request and return status, headers and body of the answer.

    Args:
        app: the application.
        method: in capitals.
        path: without query.
        headers: besides Host.
        chunks: the body as it comes in.
        leaves: the client closes the connection after the last chunk, in mid-body.
        peer: address the request comes from.
    """
    events: list[dict[str, Any]] = [
        {"type": "http.request", "body": chunk, "more_body": leaves or n < len(chunks) - 1}
        for n, chunk in enumerate(chunks)
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> Any:  # noqa: ANN401 - an event of ASGI
        return events.pop(0) if events else {"type": "http.disconnect"}

    async def send(message: Any) -> None:  # noqa: ANN401 - as above
        sent.append(message)

    raw = [(b"host", b"box.local"), *((n.lower().encode(), v.encode()) for n, v in headers)]
    scope: Any = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path.partition("?")[0],
        "raw_path": path.encode(),
        "query_string": path.partition("?")[2].encode(),
        "root_path": "",
        "headers": raw,
        "client": (peer, 50_000),
        "server": ("box.local", 80),
        "extensions": {},
    }
    await app(scope, receive, send)
    start = sent[0]
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return start["status"], {n.decode(): v.decode() for n, v in start["headers"]}, body
