"""Enrolled tablets: devices that bring sealed items home while nobody is signed in.

A code that a person makes at the box and types at the tablet is good once: until the tablet is
first heard of, so that an answer which was lost can be asked for again, and for a day at most.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from appliance.core.errors import EnrolmentRefused
from appliance.core.ids import Sha256, TabletId

CODE_LASTS: Final = timedelta(hours=24)
MAX_NAME_CHARACTERS: Final = 64
BEHIND_AFTER: Final = timedelta(hours=24)
FULL_PCT: Final = 70.0

_N_CHARACTERS: Final = 12
"""Of five bits each: too many to guess in a day, whoever guesses how fast."""
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U, which are misread."""
_MISREAD: Final = str.maketrans({"I": "1", "L": "1", "O": "0"})
_CODE: Final = re.compile(f"[{_ALPHABET}]{{{_N_CHARACTERS}}}")


class TabletState(StrEnum):
    """Where a tablet stands with the box."""

    AWAITED = "awaited"
    ENROLLED = "enrolled"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a tablet said of itself; counts and times only.

    Attributes:
        at: when, by the clock of the box.
        n_waiting: sealed items the box does not hold yet.
        oldest_at: when the oldest of them was kept.
        storage_pct: of what its browser lets the app keep.
        highest_seq: the highest receipt it has.
    """

    at: datetime
    app_version: str
    n_waiting: int
    oldest_at: datetime | None
    storage_pct: float | None
    highest_seq: int

    def is_behind(self, *, now: datetime) -> bool:
        """Return whether IT should look: old work waits there, or its storage fills up."""
        waits_long = self.oldest_at is not None and now - self.oldest_at > BEHIND_AFTER
        return waits_long or (self.storage_pct or 0.0) > FULL_PCT


@dataclass(frozen=True, slots=True, kw_only=True)
class Tablet:
    """A device with credentials of its own.

    Attributes:
        name: what IT calls it; it names no person.
        code_ends_at: until when its code is good; None once it was heard of.
        enrolled_at: when it last showed its code; None while it is awaited.
        standing: what it said last; None before the first time.
    """

    id: TabletId
    name: str
    created_at: datetime
    code_ends_at: datetime | None
    enrolled_at: datetime | None = None
    revoked: bool = False
    standing: Standing | None = None

    @property
    def state(self) -> TabletState:
        """Where it stands with the box."""
        if self.revoked:
            return TabletState.REVOKED
        return TabletState.AWAITED if self.enrolled_at is None else TabletState.ENROLLED


def code_of(secret: str) -> str:
    """Return the one-time code that a fresh secret makes, as it is read out: three groups."""
    number = int.from_bytes(hashlib.sha256(secret.encode()).digest())
    characters = "".join(_ALPHABET[number >> 5 * place & 31] for place in range(_N_CHARACTERS))
    return "-".join(characters[at : at + 4] for at in range(0, _N_CHARACTERS, 4))


def digest_of_code(typed: str) -> Sha256:
    """Return what is stored of a code as somebody typed it.

    Case, blanks and hyphens do not matter, nor does O for 0 and I or L for 1.

    Raises:
        EnrolmentRefused: it can be no code.
    """
    plain = re.sub(r"[\s-]", "", typed).upper().translate(_MISREAD)
    if not _CODE.fullmatch(plain):
        raise EnrolmentRefused
    return Sha256(hashlib.sha256(plain.encode()).hexdigest())
