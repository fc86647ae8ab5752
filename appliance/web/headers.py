"""The outermost layer: every answer carries the same headers, and only our own names are served."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from litestar import Request
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from appliance.core.errors import HostNotServed
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


def outermost(app: ASGIApp, *, allowed_hosts: Collection[str], traffic: Traffic) -> ASGIApp:
    """Wrap the whole application: headers on every answer, foreign Host names refused.

    A page elsewhere that makes its own name resolve to this box (DNS rebinding) sends that
    name as Host, and so gets nothing.

    Args:
        app: everything within.
        allowed_hosts: names and addresses without port, IPv6 in brackets; `*` allows all.
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

        if ANY_HOST in allowed_hosts or _host(scope) in allowed_hosts:
            await app(scope, receive, send_with_headers)
            return
        request: Request[object, object, object] = Request(scope)  # type: ignore[type-var]
        refusal = problems.from_error(HostNotServed())
        await refusal.to_asgi_response(app=None, request=request)(scope, receive, send_with_headers)

    return layer


def _host(scope: Scope) -> str:
    """Return the name the client asked for, without port; empty without exactly one."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if len(hosts) != 1:
        return ""
    host = hosts[0].decode("latin-1").lower()
    match = _HOST.fullmatch(host)
    return match.group(1) if match else ""
