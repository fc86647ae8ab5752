"""OPTIONS: which methods an address takes, told to anyone."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from litestar.datastructures import Headers
from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

_NO_METHOD: Final = "-"
"""Of no handler: the router refuses it, and names all there are."""


def answering_options(app: ASGIApp, *, cors: bool) -> ASGIApp:
    """Wrap the router: OPTIONS is answered with all methods of the address.

    The framework's own answer names the methods of one handler only, and runs the guards of
    signed-in users for a request that carries nobody's token.

    Args:
        app: the router and everything within.
        cors: pages of other origins are served, whose browsers ask by OPTIONS first.
    """

    async def layer(scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["type"] == ScopeType.HTTP and scope["method"] == HttpMethod.OPTIONS
        if not asked or (cors and "origin" in Headers.from_scope(scope)):
            await app(scope, receive, send)
            return
        refused = False

        async def send_as_options(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start":
                refused = message["status"] == HTTPStatus.METHOD_NOT_ALLOWED
                if refused:
                    allow = Headers.from_scope(message)["allow"]  # type: ignore[arg-type]
                    message["status"] = HTTPStatus.NO_CONTENT
                    message["headers"] = [(b"allow", _in_order(allow))]
            elif refused:
                message["body"] = b""  # type: ignore[typeddict-unknown-key]
            await send(message)

        await app({**scope, "method": _NO_METHOD}, receive, send_as_options)  # type: ignore[arg-type]

    return layer


def _in_order(allow: str) -> bytes:
    return ", ".join(sorted(allow.split(", "))).encode()
