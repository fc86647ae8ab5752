"""The web app's sign-in: cookies that no script reads, and their renewal."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, Final

from litestar import Response, post
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.handlers.base import BaseRouteHandler

from appliance.bootstrap import Appliance
from appliance.core.errors import CrossSite, NotSignedIn
from appliance.core.refresh import IDLE, LASTING
from appliance.core.session_ages import SessionAges, session_of
from appliance.core.tablet import Tablet
from appliance.usecases.app_sessions import AppSession, author_pass_of, go_on
from appliance.usecases.sessions import begin_session
from appliance.web import tokens, wire
from appliance.web.described import may_fail
from appliance.web.requests import BoxRequest

REFRESH_COOKIE: Final = "__Host-spira-refresh"
CLIENT_HEADER: Final = "X-SPIRA-Client"
"""What the web app says on each request; a form of another page cannot set a header."""

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_COOKIES: Final = (tokens.SESSION_COOKIE, REFRESH_COOKIE)
"""Of a sign-in; that of the tablet itself outlasts it."""


def from_own_page(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Let changes by cookie in only from our own page; a sign-in and programs need no cookie.

    Raises:
        CrossSite.
    """
    method = connection.scope.get("method")
    is_sign_in = (method, connection.url.path.rstrip("/")) == ("POST", tokens.SIGN_IN_PATH)
    if method in _SAFE_METHODS or is_sign_in or tokens.has_bearer(connection):
        return
    if not any(name in connection.cookies for name in (*_COOKIES, tokens.TABLET_COOKIE)):
        return
    # A foreign Origin was refused before; here one has to be.
    if "origin" not in connection.headers or CLIENT_HEADER not in connection.headers:
        raise CrossSite


@post(
    "/v1/users/auth/refresh",
    exclude_from_auth=True,
    tags=("accounts",),
    status_code=HTTPStatus.OK,
    responses=may_fail(401),
)
async def refresh(
    request: BoxRequest,
    appliance: NamedDependency[Appliance],
    ages: NamedDependency[SessionAges],
) -> Response[wire.AppSessionWire]:
    """Renew the web app's cookies; may be repeated while no answer to it was used."""
    secret = request.cookies.get(REFRESH_COOKIE)
    if not secret:
        raise NotSignedIn
    session = await asyncio.to_thread(
        go_on,
        secret,
        clock=appliance.clock,
        new_id=appliance.new_id,
        new_secret=appliance.new_secret,
        accounts=appliance.accounts,
        refreshes=appliance.refreshes,
    )
    await asyncio.to_thread(
        begin_session,
        session_of(session.token),
        ticks=appliance.ticks,
        ages=ages,
        accounts=appliance.accounts,
    )
    tablet = await asyncio.to_thread(tokens.tablet_shown, request, appliance.tablets)
    return signed_in(session, tablet, appliance)


def signed_in(
    session: AppSession, tablet: Tablet | None, appliance: Appliance
) -> Response[wire.AppSessionWire]:
    """Return what the app is told of its sign-in, and the cookies it never sees."""
    user = session.user
    told = wire.AppSessionWire(
        id=user.id,
        username=user.username,
        role=user.role,
        hospitals=user.hospital_ids,
        author_pass=author_pass_of(session, tablet, signer=appliance.signer()),
        author_pass_expires_at=wire.instant(session.ends_at) or "",
        session_expires_at=wire.instant(session.token.expires_at) or "",
    )
    access = f"Bearer {tokens.encoded(session.token, appliance)}"
    return Response(
        told,
        cookies=[
            tokens.host_cookie(tokens.SESSION_COOKIE, access, max_age_s=IDLE.total_seconds()),
            tokens.host_cookie(REFRESH_COOKIE, session.secret, max_age_s=LASTING.total_seconds()),
        ],
    )


def forgotten() -> list[Cookie]:
    """Return what makes a browser forget both cookies."""
    return [tokens.host_cookie(name, "", max_age_s=0) for name in _COOKIES]


def user_is_shown_numbers(request: BoxRequest, appliance: Appliance) -> bool:
    """Return whether this answer may hold probabilities: to programs always, to people if set."""
    return tokens.has_bearer(request) or appliance.settings.show_probabilities
