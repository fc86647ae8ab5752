"""Whose token it is, and the end of tokens: by both clocks, and for good."""

from __future__ import annotations

import logging

from appliance.core.account import User
from appliance.core.errors import StorageFault
from appliance.core.ids import TokenId
from appliance.core.session_ages import Session, SessionAges
from appliance.ports import AccountRecords, Clock, Ticks

_log = logging.getLogger(__name__)


def session_user(
    session: Session,
    *,
    clock: Clock,
    ticks: Ticks,
    ages: SessionAges,
    accounts: AccountRecords,
) -> User | None:
    """Return the active user of a token that neither ended nor grew too old.

    What is refused for its age is gone from then on, whatever the clock says later: to somebody
    it was over.

    Raises:
        StorageFault: the row cannot be read.
    """
    now = clock()
    user = accounts.token_user(session.id, now=now)
    over = now >= session.expires_at
    if user is not None:
        over = ages.is_over(session, now=now, ticks_s=ticks())
    if over:
        _end((session.id,), ages=ages, accounts=accounts)
    return None if over else user


def begin_session(
    session: Session, *, ticks: Ticks, ages: SessionAges, accounts: AccountRecords
) -> None:
    """Count the time of a token from now on, and clear away those whose time is over."""
    ticks_s = ticks()
    ages.begin(session, ticks_s=ticks_s)
    _end(ages.over(ticks_s=ticks_s), ages=ages, accounts=accounts)


def _end(ids: tuple[TokenId, ...], *, ages: SessionAges, accounts: AccountRecords) -> None:
    """End tokens for good; if nothing can be written, this process at least remembers."""
    try:
        accounts.end_tokens(ids)
    except StorageFault as fault:
        _log.warning("tokens-not-ended", extra={"code": fault.code})
        ages.end(ids)
        return
    ages.forget(ids)
