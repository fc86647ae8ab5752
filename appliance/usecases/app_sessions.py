"""Sign-ins of the web app: they go on while it is used, sixteen hours at most."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from appliance.core.account import Token, User
from appliance.core.audit import AuditAction, audited
from appliance.core.author_pass import AuthorPass, signed_pass
from appliance.core.errors import NotSignedIn
from appliance.core.ids import TokenId
from appliance.core.refresh import IDLE, LASTING, Refresh, Shown, digest_of, judged
from appliance.core.signing_key import BoxSigner
from appliance.core.tablet import Tablet
from appliance.ports import AccountRecords, Clock, NewId, NewSecret, RefreshRecords


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSession:
    """What a browser is given: an access token for some minutes, and a secret for the next one.

    Attributes:
        began_at: when the password was given.
        ends_at: nothing goes on beyond.
    """

    user: User
    token: Token
    secret: str
    began_at: datetime
    ends_at: datetime


def begin_app_session(
    user: User, token: Token, *, new_secret: NewSecret, refreshes: RefreshRecords
) -> AppSession:
    """Let a sign-in go on: `token` is its first access token, granted a moment ago."""
    secret = new_secret()
    first = Refresh(
        digest=digest_of(secret),
        parent=None,
        family=token.family,
        user_id=user.id,
        issued_at=token.issued_at,
        ends_at=token.issued_at + LASTING,
    )
    refreshes.begin(first)
    return AppSession(
        user=user, token=token, secret=secret, began_at=first.issued_at, ends_at=first.ends_at
    )


def go_on(
    secret: str,
    *,
    clock: Clock,
    new_id: NewId,
    new_secret: NewSecret,
    accounts: AccountRecords,
    refreshes: RefreshRecords,
) -> AppSession:
    """Return the next access token and secret of a sign-in.

    May be called again with the same secret while no answer to it was used: answers get lost.

    Raises:
        NotSignedIn: the sign-in is over, or the secret was copied; then nobody is signed in.
    """
    now = clock()
    found = refreshes.refresh(digest_of(secret))
    if found is None:
        raise NotSignedIn
    shown, successor_used = found
    verdict = judged(shown, successor_used=successor_used, now=now)
    if verdict is Shown.COPIED:
        accounts.end_family(
            shown.family,
            audit=audited(AuditAction.SESSION_COPIED, shown.user_id, at=now, actor="box"),
        )
    if verdict is not Shown.GOOD:
        raise NotSignedIn
    following = _following(shown, now=now, new_id=new_id, secret=new_secret(), accounts=accounts)
    successor = Refresh(
        digest=digest_of(following.secret),
        parent=shown.digest,
        family=shown.family,
        user_id=shown.user_id,
        issued_at=now,
        ends_at=shown.ends_at,
    )
    if not refreshes.rotate(successor, following.token):
        raise NotSignedIn
    return following


def _following(
    shown: Refresh, *, now: datetime, new_id: NewId, secret: str, accounts: AccountRecords
) -> AppSession:
    """Return what follows a secret that is good."""
    token = Token(
        id=TokenId(new_id()),
        family=shown.family,
        user_id=shown.user_id,
        issued_at=now,
        expires_at=min(now + IDLE, shown.ends_at),
    )
    return AppSession(
        user=accounts.user(shown.user_id),
        token=token,
        secret=secret,
        began_at=shown.ends_at - LASTING,
        ends_at=shown.ends_at,
    )


def author_pass_of(session: AppSession, tablet: Tablet | None, *, signer: BoxSigner) -> str:
    """Return the note by which what is written in this sign-in says later who wrote it."""
    author = AuthorPass(
        user_id=session.user.id,
        tablet_id=None if tablet is None else tablet.id,
        issued_at=session.began_at,
        expires_at=session.ends_at,
    )
    return signed_pass(author, signer)
