"""Users, tokens and the counts of failed sign-ins."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from appliance.adapters.sqlite_records import refreshes
from appliance.adapters.sqlite_records.columns import document_text, instant, instant_text
from appliance.adapters.sqlite_records.database import Database, Unaudited
from appliance.adapters.sqlite_records.seals import (
    all_checked,
    checked,
    is_whole,
    reading_anything,
    refuse_lost,
)
from appliance.adapters.sqlite_records.sign_in_failures import (
    N_FORGOTTEN_AT_ONCE,
    forget_old,
    read_failures,
    store_failures,
)
from appliance.adapters.sqlite_records.tokens import insert_token
from appliance.core.account import Credentials, Role, Token, User
from appliance.core.audit import AuditEntry
from appliance.core.errors import (
    DiskFull,
    EmailTaken,
    HospitalNotFound,
    UsernameTaken,
    UserNotFound,
    WrongCredentials,
)
from appliance.core.ids import HospitalId, TokenId, UserId
from appliance.core.names import folded
from appliance.core.throttle import (
    Budget,
    after_admission,
    after_success,
    throttle_keys,
    wait_s,
)

_KEEP_EXPIRED = timedelta(days=1)


class SqliteAccounts:
    """Fills `appliance.ports.AccountRecords`."""

    def __init__(self, database: Database) -> None:
        """Keep accounts in this database."""
        self._database = database
        self._owed: Counter[tuple[tuple[Budget, str], ...]] = Counter()

    def add_user(self, user: User, password_hash: str, *, audit: AuditEntry) -> None:
        """See the port; HospitalNotFound too."""
        with self._database.write(audit) as connection:
            _refuse_taken(connection, user)
            connection.execute(
                "INSERT INTO users (id, username, folded_username, email, folded_email, role,"
                " active, password_hash, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    user.id,
                    user.username,
                    folded(user.username),
                    user.email,
                    folded(user.email),
                    user.role,
                    user.active,
                    password_hash,
                    instant_text(user.created_at),
                ),
            )
            _assign(connection, user.id, user.hospital_ids)

    def user(self, user_id: UserId) -> User:
        """See the port."""
        with self._database.read() as connection:
            return _user(connection, user_id)

    def users(self) -> tuple[User, ...]:
        """See the port."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT * FROM users NOT INDEXED ORDER BY folded_username")
            return tuple(_user_of(connection, row) for row in rows)

    def credentials(self, username: str) -> Credentials | None:
        """See the port."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT * FROM users WHERE folded_username = ?", (folded(username),)
            ).fetchone()
            if row is None:
                return None
            return Credentials(user=_user_of(connection, row), password_hash=row["password_hash"])

    def change_user(
        self,
        user_id: UserId,
        *,
        role: Role | None = None,
        active: bool | None = None,
        hospital_ids: Sequence[HospitalId] | None = None,
        audit: AuditEntry,
    ) -> User:
        """See the port."""
        with self._database.write(audit) as connection:
            before = _user(connection, user_id)
            after = (role or before.role, before.active if active is None else active)
            if after != (before.role, before.active):
                connection.execute(
                    "UPDATE users SET role = ?, active = ? WHERE id = ?", (*after, user_id)
                )
                _end_tokens(connection, user_id)
            if hospital_ids is not None:
                connection.execute("DELETE FROM user_hospitals WHERE user_id = ?", (user_id,))
                _assign(connection, user_id, hospital_ids)
            return _user(connection, user_id)

    def set_password(self, user_id: UserId, password_hash: str, *, audit: AuditEntry) -> None:
        """See the port."""
        with self._database.write(audit) as connection:
            user = _user(connection, user_id)
            connection.execute(
                "UPDATE users SET password_hash = ? WHERE id = ?", (password_hash, user_id)
            )
            _end_tokens(connection, user_id)
            account = throttle_keys(user.username, "")[Budget.ACCOUNT]
            connection.execute("DELETE FROM sign_in_failures WHERE key = ?", (account,))

    def add_token(self, token: Token, *, password_hash: str, audit: AuditEntry) -> None:
        """See the port; a token of a family that ended is born dead."""
        with self._database.write(audit) as connection:
            _refuse_outdated(connection, token.user_id, password_hash)
            insert_token(connection, token)
            _forget_expired(connection, token.issued_at)

    def token_user(self, token_id: TokenId, *, now: datetime) -> User | None:
        """See the port."""
        with self._database.read() as connection:
            with reading_anything(connection):
                token = connection.execute(
                    "SELECT * FROM tokens WHERE id = ?", (token_id,)
                ).fetchone()
            # One that is damaged is nobody's any more: whoever held it signs in again.
            if token is None or not is_whole("tokens", token) or token["revoked"]:
                return None
            if token["expires_at"] <= instant_text(now):
                return None
            user = _user(connection, token["user_id"])
            return user if user.active else None

    def end_tokens(self, ids: Collection[TokenId]) -> None:
        """See the port."""
        ended = "FROM tokens WHERE revoked = 0 AND id IN (SELECT value FROM json_each(?))"
        values = (document_text(list(ids)),)
        with self._database.read() as connection:
            found = connection.execute(f"SELECT 1 {ended} LIMIT 1", values).fetchone()
        if found is not None:
            with self._database.write(Unaudited.EXPIRY) as connection:
                connection.execute(f"DELETE {ended}", values)

    def revoke_token(self, token_id: TokenId, *, audit: AuditEntry) -> None:
        """See the port."""
        with self._database.write(audit) as connection:
            row = connection.execute(
                "SELECT family FROM tokens WHERE id = ?", (token_id,)
            ).fetchone()
            if row is not None:
                _end_family(connection, row["family"])

    def end_family(self, family: str, *, audit: AuditEntry) -> None:
        """See the port."""
        with self._database.write(audit) as connection:
            _end_family(connection, family)

    def admit(self, keys: Mapping[Budget, str], *, at: datetime) -> float:
        """See the port."""
        owed = tuple(keys.items())
        with self._database.write(Unaudited.SIGN_IN_COUNT) as connection:
            failures = read_failures(connection, keys)
            for _ in range(self._owed[owed]):
                failures = after_success(failures, keys, at=at)
            remaining_s = wait_s(failures, now=at)
            if remaining_s <= 0.0:
                store_failures(connection, keys, after_admission(failures, keys, at=at))
                forget_old(connection, at)
        if remaining_s <= 0.0:
            del self._owed[owed]
        return remaining_s

    def is_known(self, keys: Mapping[Budget, str]) -> bool:
        """See the port."""
        with self._database.read() as connection:
            pair = read_failures(connection, keys).get(Budget.PAIR)
            return pair is not None and pair.known

    def count_success(self, keys: Mapping[Budget, str], *, at: datetime) -> None:
        """See the port; what a full disk does not take is made up for at the next attempt."""
        try:
            with self._database.write(Unaudited.SIGN_IN_COUNT) as connection:
                failures = read_failures(connection, keys)
                store_failures(connection, keys, after_success(failures, keys, at=at))
        except DiskFull:
            self._owed[tuple(keys.items())] += 1
            raise


def _refuse_outdated(connection: sqlite3.Connection, user_id: UserId, password_hash: str) -> None:
    """Refuse credentials that were right when they were read and are not any more."""
    row = connection.execute(
        "SELECT active, password_hash FROM users WHERE id = ?", (user_id,)
    ).fetchone()
    if row is None:
        raise UserNotFound(user_id=user_id)
    if not row["active"] or row["password_hash"] != password_hash:
        raise WrongCredentials


def _refuse_taken(connection: sqlite3.Connection, user: User) -> None:
    taken = "SELECT 1 FROM users WHERE folded_username = ?"
    if connection.execute(taken, (folded(user.username),)).fetchone():
        raise UsernameTaken
    taken = "SELECT 1 FROM users WHERE folded_email = ?"
    if connection.execute(taken, (folded(user.email),)).fetchone():
        raise EmailTaken


def _user(connection: sqlite3.Connection, user_id: UserId) -> User:
    row = connection.execute("SELECT * FROM users WHERE id = ?", (user_id,)).fetchone()
    if row is None:
        raise UserNotFound(user_id=user_id)
    return _user_of(connection, row)


def _user_of(connection: sqlite3.Connection, row: sqlite3.Row) -> User:
    checked("users", row)
    hospitals = connection.execute(
        "SELECT * FROM user_hospitals WHERE user_id = ? ORDER BY position", (row["id"],)
    ).fetchall()
    refuse_lost("user_hospitals", len(hospitals), expected=row["n_hospitals"], owner=row["id"])
    return User(
        id=row["id"],
        username=row["username"],
        email=row["email"],
        role=Role(row["role"]),
        active=bool(row["active"]),
        hospital_ids=tuple(
            hospital["hospital_id"] for hospital in all_checked("user_hospitals", hospitals)
        ),
        created_at=instant(row["created_at"]),
    )


def _assign(
    connection: sqlite3.Connection, user_id: UserId, hospital_ids: Sequence[HospitalId]
) -> None:
    once = dict.fromkeys(hospital_ids)
    for position, hospital_id in enumerate(once):
        here = connection.execute("SELECT 1 FROM hospitals WHERE id = ?", (hospital_id,))
        if here.fetchone() is None:
            raise HospitalNotFound(hospital_id=hospital_id)
        connection.execute(
            "INSERT INTO user_hospitals (user_id, position, hospital_id) VALUES (?, ?, ?)",
            (user_id, position, hospital_id),
        )
    connection.execute("UPDATE users SET n_hospitals = ? WHERE id = ?", (len(once), user_id))


def _end_tokens(connection: sqlite3.Connection, user_id: UserId) -> None:
    connection.execute(
        "UPDATE tokens SET revoked = 1 WHERE user_id = ? AND revoked = 0", (user_id,)
    )
    refreshes.end_of_user(connection, user_id)


def _end_family(connection: sqlite3.Connection, family: str) -> None:
    connection.execute("UPDATE tokens SET revoked = 1 WHERE family = ? AND revoked = 0", (family,))
    refreshes.end_family(connection, family)


def _forget_expired(connection: sqlite3.Connection, at: datetime) -> None:
    """Drop tokens nobody can use any more, and no family of them can still grow."""
    connection.execute(
        "DELETE FROM tokens WHERE id IN (SELECT id FROM tokens WHERE expires_at < ? LIMIT ?)",
        (instant_text(at - _KEEP_EXPIRED), N_FORGOTTEN_AT_ONCE),
    )
