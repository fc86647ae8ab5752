"""Guessing at passwords: users to guess at, addresses to guess from, and what the box counted."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

import httpx

from appliance.adapters.argon2_passwords import Argon2Passwords
from appliance.bootstrap import new_id, now, open_appliance
from appliance.core.account import Role, User
from appliance.core.audit import AuditAction, audited
from appliance.core.ids import UserId
from appliance.core.throttle import Budget, throttle_keys
from appliance.settings import read_settings
from tests.system.boxes import Box

PASSWORD: Final = "a password nobody guesses"
TRIES_AGAIN: Final = (httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError)


def add_users(box: Box, names: Iterable[str], *, active: bool = True) -> None:
    """Add nurses of one password to a box that is not served; one hash does for all."""
    hashed = Argon2Passwords().hash(PASSWORD)
    with open_appliance(read_settings({}, directory=box.data)) as appliance:
        for name in names:
            user = User(
                id=UserId(new_id()),
                username=name,
                email=f"{name}@example.org",
                role=Role.NURSE,
                active=active,
                hospital_ids=(),
                created_at=now(),
            )
            entry = audited(AuditAction.USER_ADDED, user.id, at=now(), actor="trial")
            appliance.accounts.add_user(user, hashed, audit=entry)


def n_counted(box: Box, name: str) -> int:
    """Return how many failed attempts at an account the box has let through to the hash."""
    key = throttle_keys(name, "")[Budget.ACCOUNT]
    with closing(sqlite3.connect(f"file:{box.data / 'records.db'}?mode=ro", uri=True)) as database:
        row = database.execute(
            "SELECT n_failures FROM sign_in_failures WHERE key = ?", (key,)
        ).fetchone()
    return int(row[0]) if row else 0


@dataclass
class Stranger:
    """Somebody at one address of the loopback network."""

    box: Box
    address: str
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        """Bind to the address."""
        self.http = httpx.Client(
            transport=httpx.HTTPTransport(local_address=self.address), timeout=60.0
        )
        self.box.clients.append(self.http)

    def sign_in(self, name: str, password: str, **headers: str) -> httpx.Response:
        """Try a password."""
        return self.http.post(
            f"{self.box.address}/v1/users/auth",
            data={"username": name, "password": password},
            headers=headers,
        )


@dataclass(frozen=True, kw_only=True)
class Guess:
    """One attempt."""

    stranger: Stranger
    name: str
    password: str
    forwarded: str


def guess_all(guesses: list[Guess]) -> Counter[int]:
    """Send guesses, eight at once, and return the answers by status; the box may be away."""

    def send(guess: Guess) -> int:
        try:
            answer = guess.stranger.sign_in(
                guess.name,
                guess.password,
                **{"X-Forwarded-For": guess.forwarded, "Forwarded": f"for={guess.forwarded}"},
            )
        except TRIES_AGAIN:
            return 0
        return answer.status_code

    with ThreadPoolExecutor(8) as threads:
        return Counter(threads.map(send, guesses))
