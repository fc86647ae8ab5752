"""How somebody stays signed in to the web app: a chain of secrets, each good for the next one.

An answer that carries a new secret may be lost on the way. So a secret stays good until one that
followed it is used, and a moment longer: two tabs may ask at once. Whoever shows one later has a
copy of it, and then nobody is signed in any more.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from appliance.core.ids import Sha256, UserId

LASTING: Final = timedelta(hours=16)
"""From the password at most."""
IDLE: Final = timedelta(minutes=15)
"""An access token lives so long; an app in use asks for the next one before."""
OVERLAP: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """One secret of a chain, known by its digest alone.

    Attributes:
        parent: the one it followed; None for that of the sign-in.
        family: that of the access tokens of the same sign-in; they end together.
        used_at: when it was first shown.
    """

    digest: Sha256
    parent: Sha256 | None
    family: str
    user_id: UserId
    issued_at: datetime
    ends_at: datetime
    used_at: datetime | None = None


class Shown(StrEnum):
    """What to make of a secret that somebody shows."""

    GOOD = "good"
    OVER = "over"
    COPIED = "copied"


def judged(refresh: Refresh, *, successor_used: bool, now: datetime) -> Shown:
    """Return what to make of a secret.

    Args:
        refresh: as it is stored.
        successor_used: whether one that followed it was shown already.
        now: the present instant; before `issued_at` the clock was set back.
    """
    if now >= refresh.ends_at or now < refresh.issued_at - OVERLAP:
        return Shown.OVER
    if not successor_used or refresh.used_at is None:
        return Shown.GOOD
    return Shown.GOOD if now - refresh.used_at <= OVERLAP else Shown.COPIED


def digest_of(secret: str) -> Sha256:
    """Return what is stored of a secret: 256 random bits need no salt."""
    return Sha256(hashlib.sha256(secret.encode()).hexdigest())
