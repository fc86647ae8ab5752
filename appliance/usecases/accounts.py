"""Accounts: who they are, how they sign in, and how that ends."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from appliance.core.account import (
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
    FieldError,
    InvalidRequest,
    PasswordMismatch,
    TooManyAttempts,
    WrongCredentials,
)
from appliance.core.ids import HospitalId, TokenId, UserId
from appliance.core.throttle import Budget, throttle_keys
from appliance.ports import AccountRecords, Clock, NewId, PasswordHasher

MAX_NAME_CHARACTERS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """An account as someone asks for it."""

    username: str
    email: str
    password: str
    password_confirmation: str
    role: Role = Role.NURSE
    hospital_ids: tuple[HospitalId, ...] = ()


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
    username = asked.username.strip()
    if not username or len(username) > MAX_NAME_CHARACTERS or not username.isprintable():
        message = f"1 to {MAX_NAME_CHARACTERS} printable characters"
        raise InvalidRequest(
            "The username is not valid.",
            errors=(FieldError(field="username", code="length", message=message),),
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
            AuditAction.USER_ADDED, user.id, at=user.created_at, actor=actor, role=user.role.value
        ),
    )
    return user


def sign_in(
    username: str,
    password: str,
    *,
    address: str,
    token_lifetime: timedelta,
    clock: Clock,
    new_id: NewId,
    accounts: AccountRecords,
    hasher: PasswordHasher,
) -> tuple[User, Token]:
    """Return the user and a fresh token; the same answer and time for an unknown user.

    Args:
        username: as typed; case does not matter.
        password: as typed.
        address: the peer's own address, never a forwarded one.
        token_lifetime: how long the token lives.

    Raises:
        TooManyAttempts: details.retry_after_s says when to try again.
        WrongCredentials: unknown, inactive, or wrong password.
    """
    keys = throttle_keys(username, address)
    _admit(keys, clock=clock, accounts=accounts)
    user = _verified(accounts.credentials(username.strip()), password, hasher)
    now = clock()
    accounts.count_success(keys, at=now)
    token_id = TokenId(new_id())
    token = Token(
        id=token_id,
        family=token_id,
        user_id=user.id,
        issued_at=now,
        expires_at=now + token_lifetime,
    )
    accounts.add_token(token, audit=audited(AuditAction.SIGNED_IN, user.id, at=now, actor=user.id))
    return user, token


def confirm_password(
    user: User,
    password: str,
    *,
    address: str,
    clock: Clock,
    accounts: AccountRecords,
    hasher: PasswordHasher,
) -> None:
    """Make sure that it is the user who asks; guessing here is throttled like a sign-in.

    Raises:
        WrongCredentials, TooManyAttempts.
    """
    keys = throttle_keys(user.username, address)
    _admit(keys, clock=clock, accounts=accounts)
    _verified(accounts.credentials(user.username), password, hasher)
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


def _verified(credentials: Credentials | None, password: str, hasher: PasswordHasher) -> User:
    """Return the user whose password this is; an unknown name costs the same time."""
    encoded = credentials.password_hash if credentials else None
    right = hasher.verify(encoded, normal_password(password))
    if credentials is None or not right or not credentials.user.active:
        raise WrongCredentials
    return credentials.user
