"""One path to sign in and out: programs get a token, the web app gets cookies."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from litestar import Controller, Response, delete, post
from litestar.di import NamedDependency

from appliance.bootstrap import Appliance
from appliance.core.account import Credentials
from appliance.core.audit import AuditAction, audited
from appliance.core.errors import FieldError, InvalidRequest
from appliance.core.ids import TokenId
from appliance.core.refresh import IDLE
from appliance.core.session_ages import SessionAges, session_of
from appliance.core.tablet import Tablet
from appliance.usecases.accounts import Attempt, admit_attempt, grant_token, verified_credentials
from appliance.usecases.app_sessions import begin_app_session
from appliance.usecases.sessions import begin_session
from appliance.web import tokens, wire
from appliance.web.accounts import MAX_ACCOUNT_BYTES
from appliance.web.app_sessions import forgotten, signed_in
from appliance.web.described import may_fail, takes
from appliance.web.requests import BoxRequest
from appliance.web.turns import Turns

APP: Final = "pwa"
"""What the web app says it is when it signs somebody in."""

_SIGN_IN_FORM: Final = {
    "type": "object",
    "required": ["username", "password"],
    "properties": {
        "username": {"type": "string"},
        "password": {"type": "string"},
        "client": {"type": "string", "enum": ["pwa", ""]},
    },
}


class SignInController(Controller):
    """One path: POST signs in, DELETE signs out."""

    path = tokens.SIGN_IN_PATH
    tags = ("accounts",)

    @post(
        exclude_from_auth=True,
        status_code=HTTPStatus.OK,
        request_max_body_size=MAX_ACCOUNT_BYTES,
        opt=takes("application/x-www-form-urlencoded", _SIGN_IN_FORM),
        responses=may_fail(400, 401, 413, 415, 422, 429),
    )
    async def sign_in(
        self,
        request: BoxRequest,
        appliance: NamedDependency[Appliance],
        hashing: NamedDependency[Turns],
        ages: NamedDependency[SessionAges],
    ) -> Response[wire.TokenWire] | Response[wire.AppSessionWire]:
        """Sign in by username and password (OAuth2 password grant); the web app gets cookies."""
        sent = await request.read_fields()
        lacking = tuple(
            FieldError(field=name, code="required", message="is missing")
            for name in ("username", "password")
            if name not in sent
        )
        if lacking:
            raise InvalidRequest(errors=lacking)
        tablet = await asyncio.to_thread(tokens.tablet_shown, request, appliance.tablets)
        attempt = await asyncio.to_thread(
            admit_attempt,
            sent["username"],
            place=request.address if tablet is None else tablet.id,
            clock=appliance.clock,
            accounts=appliance.accounts,
        )
        async with hashing.turn(known=attempt.known):
            verified = await asyncio.to_thread(
                verified_credentials,
                attempt,
                sent["password"],
                accounts=appliance.accounts,
                hasher=appliance.hasher,
            )
        return await _granted(
            attempt, verified, appliance, ages, tablet, is_app=sent.get("client") == APP
        )

    @delete(responses=may_fail(401), response_cookies=forgotten(), sync_to_thread=True)
    def sign_out(self, request: BoxRequest, appliance: NamedDependency[Appliance]) -> None:
        """End the token of this request, and its family, at once."""
        appliance.accounts.revoke_token(
            TokenId(str(request.auth.jti)),
            audit=audited(
                AuditAction.SIGNED_OUT,
                request.user.id,
                at=appliance.clock(),
                actor=request.user.id,
            ),
        )


async def _granted(
    attempt: Attempt,
    verified: Credentials,
    appliance: Appliance,
    ages: SessionAges,
    tablet: Tablet | None,
    *,
    is_app: bool,
) -> Response[wire.TokenWire] | Response[wire.AppSessionWire]:
    """Return the token of a sign-in that was verified, in the body or in cookies."""
    minutes = timedelta(minutes=appliance.settings.token_minutes)
    token = await asyncio.to_thread(
        grant_token,
        attempt,
        verified,
        token_lifetime=IDLE if is_app else minutes,
        clock=appliance.clock,
        new_id=appliance.new_id,
        accounts=appliance.accounts,
    )
    await asyncio.to_thread(
        begin_session,
        session_of(token),
        ticks=appliance.ticks,
        ages=ages,
        accounts=appliance.accounts,
    )
    if not is_app:
        encoded = tokens.encoded(token, appliance)
        return Response(wire.TokenWire(id=verified.user.id, access_token=encoded))
    session = await asyncio.to_thread(
        begin_app_session,
        verified.user,
        token,
        new_secret=appliance.new_secret,
        refreshes=appliance.refreshes,
    )
    return signed_in(session, tablet, appliance)
