"""Accounts: who they are, how they sign in, and how that ends."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from appliance.core.account import (
    MAX_NAME_CHARACTERS,
    Credentials,
    Role,
    Token,
    User,
    check_email,
    check_password,
    normal_password,
)
from appliance.core.audit import AuditAction, audited
from appliance.core.errors import (
    PasswordMismatch,
    StorageFault,
    TooManyAttempts,
    WrongCredentials,
    WrongPassword,
)
from appliance.core.ids import HospitalId, TokenId, UserId
from appliance.core.names import checked_name
from appliance.core.throttle import Budget, throttle_keys
from appliance.ports import AccountRecords, Clock, NewId, PasswordHasher


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """An account as someone asks for it."""

    username: str
    email: str
    password: str
    password_confirmation: str
    role: Role = Role.NURSE
    hospital_ids: tuple[HospitalId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A sign-in that was admitted to the hash, and counted.

    Attributes:
        username: as typed, without blanks around it.
        keys: what it counts under.
        known: this place signed in to this account before.
    """

    username: str
    keys: Mapping[Budget, str]
    known: bool


def add_user(
    asked: NewUser,
    *,
    actor: str,
    common_passwords: Collection[str],
    clock: Clock,
    new_id: NewId,
    accounts: AccountRecords,
    hasher: PasswordHasher,
) -> User:
    """Add an account.

    Raises:
        PasswordMismatch, WeakPassword, EmailMalformed, UsernameTaken, EmailTaken,
        HospitalNotFound; InvalidRequest: the username is empty or too long.
    """
    username = checked_name(
        asked.username, what="The username", field="username", max_characters=MAX_NAME_CHARACTERS
    )
    if asked.password != asked.password_confirmation:
        raise PasswordMismatch
    password = check_password(asked.password, username=username, refused=common_passwords)
    user = User(
        id=UserId(new_id()),
        username=username,
        email=check_email(asked.email.strip()),
        role=asked.role,
        active=True,
        hospital_ids=asked.hospital_ids,
        created_at=clock(),
    )
    accounts.add_user(
        user,
        hasher.hash(password),
        audit=audited(
            AuditAction.USER_ADDED,
            user.id,
            at=user.created_at,
            actor=actor,
            role=user.role.value,
            hospital_ids=" ".join(user.hospital_ids),
        ),
    )
    return user


def admit_attempt(username: str, *, place: str, clock: Clock, accounts: AccountRecords) -> Attempt:
    """Let an attempt to sign in through to the hash, counted.

    Args:
        username: as typed; case does not matter.
        place: the enrolled tablet, else the peer's own address, never a forwarded one.

    Raises:
        TooManyAttempts: details.retry_after_s says when to try again.
    """
    keys = throttle_keys(username, place)
    known = accounts.is_known(keys)
    _admit(keys, clock=clock, accounts=accounts)
    return Attempt(username=username.strip(), keys=keys, known=known)


def verified_credentials(
    attempt: Attempt, password: str, *, accounts: AccountRecords, hasher: PasswordHasher
) -> Credentials:
    """Return the credentials that were verified, after one hash.

    An unknown or inactive user costs the same time and gets the same answer.

    Raises:
        WrongCredentials.
    """
    return _verified(accounts.credentials(attempt.username), password, hasher)


def grant_token(
    attempt: Attempt,
    verified: Credentials,
    *,
    token_lifetime: timedelta,
    clock: Clock,
    new_id: NewId,
    accounts: AccountRecords,
) -> Token:
    """Return a fresh token of the user, and take the attempt back as a success.

    Raises:
        WrongCredentials: password or account changed since they were verified.
    """
    now = clock()
    user = verified.user
    token_id = TokenId(new_id())
    token = Token(
        id=token_id,
        family=token_id,
        user_id=user.id,
        issued_at=now,
        expires_at=now + token_lifetime,
    )
    try:
        accounts.add_token(
            token,
            password_hash=verified.password_hash,
            audit=audited(AuditAction.SIGNED_IN, user.id, at=now, actor=user.id),
        )
    except StorageFault:
        # The password was right: a full disk must not look like guessing.
        with suppress(StorageFault):
            accounts.count_success(attempt.keys, at=now)
        raise
    accounts.count_success(attempt.keys, at=now)
    return token


def confirm_password(
    user: User,
    password: str,
    *,
    place: str,
    clock: Clock,
    accounts: AccountRecords,
    hasher: PasswordHasher,
) -> None:
    """Make sure that it is the user who asks; guessing here is throttled like a sign-in.

    Raises:
        WrongPassword, TooManyAttempts.
    """
    keys = throttle_keys(user.username, place)
    _admit(keys, clock=clock, accounts=accounts)
    try:
        _verified(accounts.credentials(user.username), password, hasher)
    except WrongCredentials as refusal:
        raise WrongPassword from refusal
    accounts.count_success(keys, at=clock())


def change_password(
    user: User,
    *,
    new: str,
    confirmation: str,
    actor: str,
    common_passwords: Collection[str],
    clock: Clock,
    accounts: AccountRecords,
    hasher: PasswordHasher,
) -> None:
    """Set a new password; every token of the user ends.

    Users who change their own confirm the old one before.

    Args:
        user: whose password.
        new: the password to set.
        confirmation: the same again.
        actor: who does it.
        common_passwords: lower-case passwords too common to accept.

    Raises:
        PasswordMismatch, WeakPassword.
    """
    if new != confirmation:
        raise PasswordMismatch
    password = check_password(new, username=user.username, refused=common_passwords)
    accounts.set_password(
        user.id,
        hasher.hash(password),
        audit=audited(AuditAction.USER_PASSWORD_SET, user.id, at=clock(), actor=actor),
    )


def _admit(keys: Mapping[Budget, str], *, clock: Clock, accounts: AccountRecords) -> None:
    """Let an attempt through to the hash, counted, or tell it how long to wait."""
    wait_s = accounts.admit(keys, at=clock())
    if wait_s > 0:
        raise TooManyAttempts(retry_after_s=int(wait_s) + 1)


def _verified(
    credentials: Credentials | None, password: str, hasher: PasswordHasher
) -> Credentials:
    """Return the credentials if the password is theirs; an unknown name costs the same time."""
    encoded = credentials.password_hash if credentials else None
    right = hasher.verify(encoded, normal_password(password))
    if credentials is None or not right or not credentials.user.active:
        raise WrongCredentials
    return credentials
