"""How old sign-ins are by a clock that nobody can set."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.core.account import Token
from appliance.core.ids import TokenId

CLOCK_SLACK = timedelta(minutes=1)
"""A token issued further in the future was issued before the clock went back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a token says of its own time."""

    id: TokenId
    issued_at: datetime
    expires_at: datetime


def session_of(token: Token) -> Session:
    """Return what a fresh token will say of its own time."""
    return Session(id=token.id, issued_at=token.issued_at, expires_at=token.expires_at)


class SessionAges:
    """When the time of each token is over, for the life of a process; thread-safe.

    Both clocks have to let a token live. The wall clock alone would give time twice when it goes
    back, and revive what had expired; the other one does not outlast the process. So a token of
    an earlier process has what the wall clock leaves it, and nothing if that cannot be known.
    """

    def __init__(self) -> None:
        """Know no token yet."""
        self._over_at_s: dict[TokenId, float] = {}
        self._lock = threading.Lock()

    def begin(self, session: Session, *, ticks_s: float) -> None:
        """Remember a token that was issued now."""
        with self._lock:
            self._over_at_s[session.id] = ticks_s + _lifetime_s(session)

    def is_over(self, session: Session, *, now: datetime, ticks_s: float) -> bool:
        """Return whether a token's time is over; once it is, it stays so."""
        with self._lock:
            over_at_s = self._over_at_s.get(session.id)
            if over_at_s is None:
                over_at_s = ticks_s + _left_s(session, now)
            if now >= session.expires_at or ticks_s >= over_at_s:
                over_at_s = -math.inf
            self._over_at_s[session.id] = over_at_s
            return over_at_s == -math.inf

    def end(self, ids: tuple[TokenId, ...]) -> None:
        """Remember tokens as over, whose rows could not be removed."""
        with self._lock:
            self._over_at_s |= dict.fromkeys(ids, -math.inf)

    def over(self, *, ticks_s: float) -> tuple[TokenId, ...]:
        """Return the tokens whose time is over."""
        with self._lock:
            return tuple(i for i, over_at_s in self._over_at_s.items() if ticks_s >= over_at_s)

    def forget(self, ids: tuple[TokenId, ...]) -> None:
        """Forget tokens whose rows are gone: nothing revives them."""
        with self._lock:
            for token_id in ids:
                self._over_at_s.pop(token_id, None)


def _lifetime_s(session: Session) -> float:
    return (session.expires_at - session.issued_at).total_seconds()


def _left_s(session: Session, now: datetime) -> float:
    """Return what the wall clock leaves a token; nothing if the clock went back meanwhile."""
    if session.issued_at - now > CLOCK_SLACK:
        return 0.0
    return min(_lifetime_s(session), (session.expires_at - now).total_seconds())
