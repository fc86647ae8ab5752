"""Who asks: a signed JWT names a row, and the row decides (API.md §5); tablets show a secret."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.exceptions import ImproperlyConfiguredException
from litestar.middleware import AuthenticationResult
from litestar.openapi.spec import Components, SecurityScheme
from litestar.security.jwt import JWTCookieAuth, JWTCookieAuthenticationMiddleware
from litestar.security.jwt import Token as JwtToken
from litestar.security.jwt.token import JWTDecodeOptions

from appliance.bootstrap import Appliance
from appliance.core.account import Token, User
from appliance.core.ids import TokenId
from appliance.core.refresh import digest_of
from appliance.core.session_ages import Session, SessionAges
from appliance.core.tablet import Tablet
from appliance.ports import TabletRecords
from appliance.usecases.sessions import session_user

ALGORITHM = "HS256"
SESSION_COOKIE = "__Host-spira"
"""Holds the web app's token; its prefix binds it to this host, by TLS alone (RFC 6265bis)."""
TABLET_COOKIE = "__Host-spira-tablet"
"""Holds the secret of an enrolled tablet: it brings envelopes and heartbeats, nothing else."""
SIGN_IN_PATH = "/v1/users/auth"

LETS_TABLETS_IN = "lets_tablets_in"
FOR_TABLETS = {LETS_TABLETS_IN: True}
"""The `opt` of a handler that lets enrolled tablets in, although nobody is signed in."""
TABLETS = "tablets"
"""Key of the application's state under which the records of tablets stand."""


@dataclass
class BearerToken(JwtToken):
    """The claims `sub`, `jti`, `iat` and `exp`.

    How long a token lives is decided when its row is looked up, by the appliance's own clocks. So
    a clock that was set back does not turn fresh tokens into tokens of the future.
    """

    def __post_init__(self) -> None:
        """Refuse a token that names no user or no row."""
        if not self.sub or not isinstance(self.jti, str):
            raise ImproperlyConfiguredException("sub and jti must be texts")

    @classmethod
    def decode_payload(
        cls,
        encoded_token: str,
        secret: str,
        algorithms: list[str],
        issuer: str | Sequence[str] | None = None,
        audience: str | Sequence[str] | None = None,
        options: JWTDecodeOptions | None = None,
    ) -> Any:  # noqa: ANN401 - as inherited
        """Check signature and claims, but leave time to the row."""
        timeless: Any = {**(options or {}), "verify_exp": False, "verify_iat": False}
        return super().decode_payload(
            encoded_token, secret, algorithms, issuer, audience, options=timeless
        )

    def encode(self, secret: str, algorithm: str) -> str:
        """Return the JWT with the four claims and nothing else."""
        claims = {"sub": self.sub, "jti": self.jti, "iat": self.iat, "exp": self.exp}
        return jwt.encode(claims, key=secret, algorithm=algorithm)


def has_bearer(connection: ASGIConnection[Any, Any, Any, Any]) -> bool:
    """Return whether the request is that of a program: it brings its token itself."""
    return connection.headers.get("authorization", "").partition(" ")[-1] != ""


def host_cookie(name: str, value: str, *, max_age_s: float) -> Cookie:
    """Return a cookie that no script reads, and that goes to this host alone, by TLS."""
    return Cookie(
        key=name,
        value=value,
        max_age=int(max_age_s),
        path="/",
        secure=True,
        httponly=True,
        samesite="strict",
    )


def tablet_shown(
    connection: ASGIConnection[Any, Any, Any, Any], tablets: TabletRecords
) -> Tablet | None:
    """Return the tablet that a request comes from; None where it is not enrolled. Blocks."""
    secret = connection.cookies.get(TABLET_COOKIE)
    return tablets.tablet_with(digest_of(secret)) if secret else None


def tablet_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Tablet | None:
    """Return the tablet that was let in by its own secret; None where a user was."""
    asks: object = connection.scope["user"]
    return asks if isinstance(asks, Tablet) else None


class _Authentication(JWTCookieAuthenticationMiddleware):
    """A user by a token; where tablets are let in, a tablet before any user."""

    async def authenticate_request(
        self, connection: ASGIConnection[Any, Any, Any, Any]
    ) -> AuthenticationResult:
        """Say who asks. Raises NotAuthorizedException."""
        if connection.route_handler.opt.get(LETS_TABLETS_IN) and not has_bearer(connection):
            tablets: TabletRecords = connection.app.state[TABLETS]
            tablet = await asyncio.to_thread(tablet_shown, connection, tablets)
            if tablet is not None:
                return AuthenticationResult(user=tablet, auth=None)
        return await super().authenticate_request(connection)


@dataclass
class _TokenAuth(JWTCookieAuth[User, BearerToken]):
    """A token in the header of a program, or in the cookie of the web app."""

    authentication_middleware_class: type[JWTCookieAuthenticationMiddleware] = field(
        default=_Authentication
    )

    @property
    def openapi_components(self) -> Components:
        """Describe the header: cookies are the app's own affair."""
        scheme = SecurityScheme(
            type="http", scheme="Bearer", bearer_format="JWT", description=self.description
        )
        return Components(security_schemes={self.openapi_security_scheme_name: scheme})


def token_auth(appliance: Appliance, ages: SessionAges) -> JWTCookieAuth[User, BearerToken]:
    """Return what Litestar checks every request with, except where a handler opts out."""

    async def token_user(
        claims: BearerToken, _connection: ASGIConnection[Any, Any, Any, Any]
    ) -> User | None:
        user = await asyncio.to_thread(
            session_user,
            Session(id=TokenId(str(claims.jti)), issued_at=claims.iat, expires_at=claims.exp),
            clock=appliance.clock,
            ticks=appliance.ticks,
            ages=ages,
            accounts=appliance.accounts,
        )
        return user if user is not None and user.id == claims.sub else None

    return _TokenAuth(
        key=SESSION_COOKIE,
        token_secret=appliance.token_secret.hex(),
        retrieve_user_handler=token_user,
        token_cls=BearerToken,
        algorithm=ALGORITHM,
        require_claims=("sub", "jti", "iat", "exp"),
        # HEAD is not exempt: it tells what GET tells.
        exclude_http_methods=("OPTIONS",),
        description="A token of POST /v1/users/auth.",
    )


def encoded(token: Token, appliance: Appliance) -> str:
    """Return the JWT of a token row."""
    claims = BearerToken(sub=token.user_id, jti=token.id, iat=token.issued_at, exp=token.expires_at)
    return claims.encode(secret=appliance.token_secret.hex(), algorithm=ALGORITHM)
