"""Who works with the box, what a role may do, and what makes a password good enough."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from appliance.core.errors import EmailMalformed, WeakPassword
from appliance.core.ids import HospitalId, TokenId, UserId

MAX_NAME_CHARACTERS = 64
MIN_PASSWORD_CHARACTERS = 12
MAX_PASSWORD_CHARACTERS = 128
# The form the 2022 API asked for: something@something.something [orig §1.4].
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class Role(StrEnum):
    """What an account is for; a role is never a superset of another (API.md §5)."""

    NURSE = "nurse"
    RESEARCHER = "researcher"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account. Never deleted, since inferences name it; `active` ends its use."""

    id: UserId
    username: str
    email: str
    role: Role
    active: bool
    hospital_ids: tuple[HospitalId, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A user with the argon2id hash of the password, read together at sign-in."""

    user: User
    password_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One bearer token: a row that can be revoked.

    Attributes:
        id: the `jti` of the JWT.
        family: tokens that descend from one sign-in; they end together.
    """

    id: TokenId
    family: str
    user_id: UserId
    issued_at: datetime
    expires_at: datetime


def normal_password(password: str) -> str:
    """Return the NFC form, so that the same keys give the same hash on every device."""
    return unicodedata.normalize("NFC", password)


def check_password(password: str, *, username: str, refused: Collection[str]) -> str:
    """Return the password in NFC, or refuse it.

    No composition rules: length and commonness decide (API.md §5).

    Args:
        password: what the user chose.
        username: may not be the password.
        refused: lower-case passwords too common to accept.

    Raises:
        WeakPassword: details.reason is `short`, `long`, `common` or `username`.
    """
    normal = normal_password(password)
    reason = ""
    if len(normal) < MIN_PASSWORD_CHARACTERS:
        reason = "short"
    elif len(normal) > MAX_PASSWORD_CHARACTERS:
        reason = "long"
    elif normal.lower() in refused:
        reason = "common"
    elif normal.lower() == username.lower():
        reason = "username"
    if reason:
        raise WeakPassword(reason=reason, min_characters=MIN_PASSWORD_CHARACTERS)
    return normal


def own_email(username: str, *, box_name: str) -> str:
    """Return the address of an account for which nobody gave one; no mail ever goes there."""
    return f"{username}@{'-'.join(box_name.split())}.local"


def check_email(email: str) -> str:
    """Return the address, or refuse it.

    Raises:
        EmailMalformed: it is not something@something.something.
    """
    if not _EMAIL.fullmatch(email):
        raise EmailMalformed
    return email
