"""The outermost layer: headers on every answer, and nothing for foreign names and pages."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from litestar import Request
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from appliance.core.errors import ApplianceError, HostNotServed, OriginNotServed
from appliance.web import problems
from appliance.web.traffic import Traffic

SECURITY_HEADERS: Final[dict[str, str]] = {
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
        "font-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=(), usb=(), payment=()",
    "Cache-Control": "no-store",
}
"""Security headers [rel §4.3]; an answer may set a stricter one of its own."""

ANY_HOST: Final = "*"
# A name or an address in brackets, and perhaps a port.
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:/@]+)(?::[0-9]*)?")


def outermost(
    app: ASGIApp,
    *,
    allowed_hosts: Collection[str],
    allowed_origins: Collection[str],
    traffic: Traffic,
) -> ASGIApp:
    """Wrap the whole application: headers on every answer, foreign Hosts and Origins refused.

    A page elsewhere that makes its own name resolve to this box (DNS rebinding) sends that
    name as Host, and so gets nothing. A page elsewhere that sends to our own name says so in
    Origin: a browser would hide the answer from it, but the deed would be done (a sign-in
    guessed, a ward throttled), so it is refused before.

    Args:
        app: everything within.
        allowed_hosts: names and addresses without port, IPv6 in brackets; `*` allows all.
        allowed_origins: other origins than the box's own.
        traffic: counts the answers.
    """

    async def layer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                traffic.count(message["status"])
                headers = MutableScopeHeaders.from_message(message)
                for name, text in SECURITY_HEADERS.items():
                    headers.setdefault(name, text)
            await send(message)

        error = _refusal(scope, allowed_hosts, allowed_origins)
        if error is None:
            await app(scope, receive, send_with_headers)
            return
        request: Request[object, object, object] = Request(scope)  # type: ignore[type-var]
        refusal = problems.from_error(error)
        await refusal.to_asgi_response(app=None, request=request)(scope, receive, send_with_headers)

    return layer


def _refusal(
    scope: Scope, allowed_hosts: Collection[str], allowed_origins: Collection[str]
) -> ApplianceError | None:
    """Return why this request is not even looked at; None for all others."""
    authority = _only(scope, b"host")
    if ANY_HOST not in allowed_hosts and _name(authority) not in allowed_hosts:
        return HostNotServed()
    if any(name == b"origin" for name, _ in scope["headers"]):
        origin = _only(scope, b"origin")
        own = {f"{scheme}://{authority}" for scheme in ("http", "https")}  # TLS may end before us
        if origin not in own and origin not in allowed_origins:
            return OriginNotServed()
    return None


def _only(scope: Scope, asked: bytes) -> str:
    """Return a header in lower case; empty without exactly one."""
    found = [value for name, value in scope["headers"] if name == asked]
    return found[0].decode("latin-1").lower() if len(found) == 1 else ""


def _name(authority: str) -> str:
    """Return the name the client asked for, without port; empty if it is none."""
    match = _HOST.fullmatch(authority)
    return match.group(1) if match else ""
