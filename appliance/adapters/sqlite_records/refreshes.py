"""Chains of refresh secrets, by their digests."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from appliance.adapters.sqlite_records.columns import (
    instant,
    instant_text,
    optional_instant,
    optional_instant_text,
)
from appliance.adapters.sqlite_records.database import Database, Unaudited
from appliance.adapters.sqlite_records.seals import checked
from appliance.adapters.sqlite_records.sign_in_failures import N_FORGOTTEN_AT_ONCE
from appliance.adapters.sqlite_records.tokens import insert_token
from appliance.core.account import Token
from appliance.core.ids import Sha256, UserId
from appliance.core.refresh import Refresh


class SqliteRefreshes:
    """Fills `appliance.ports.RefreshRecords`."""

    def __init__(self, database: Database) -> None:
        """Keep chains in this database."""
        self._database = database

    def begin(self, first: Refresh) -> None:
        """See the port."""
        with self._database.write(Unaudited.ROTATION) as connection:
            _insert(connection, first)
            _forget_ended(connection, first.issued_at)

    def refresh(self, digest: Sha256) -> tuple[Refresh, bool] | None:
        """See the port."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT * FROM refreshes WHERE digest = ?", (digest,)
            ).fetchone()
            if row is None:
                return None
            used = connection.execute(
                "SELECT 1 FROM refreshes WHERE parent = ? AND used_at IS NOT NULL LIMIT 1",
                (digest,),
            ).fetchone()
        return _refresh_of(row), used is not None

    def rotate(self, successor: Refresh, token: Token) -> bool:
        """See the port."""
        with self._database.write(Unaudited.ROTATION) as connection:
            here = connection.execute(
                "SELECT 1 FROM refreshes JOIN users ON users.id = refreshes.user_id"
                " WHERE digest = ? AND users.active = 1",
                (successor.parent,),
            ).fetchone()
            if here is None:
                return False
            connection.execute(
                "UPDATE refreshes SET used_at = ? WHERE digest = ? AND used_at IS NULL",
                (instant_text(successor.issued_at), successor.parent),
            )
            _insert(connection, successor)
            insert_token(connection, token)
            return True


def end_family(connection: sqlite3.Connection, family: str) -> None:
    """Forget the chain of a sign-in that ended."""
    connection.execute("DELETE FROM refreshes WHERE family = ?", (family,))


def end_of_user(connection: sqlite3.Connection, user_id: UserId) -> None:
    """Forget every chain of a user."""
    connection.execute("DELETE FROM refreshes WHERE user_id = ?", (user_id,))


def _insert(connection: sqlite3.Connection, refresh: Refresh) -> None:
    connection.execute(
        "INSERT INTO refreshes (digest, parent, family, user_id, issued_at, ends_at, used_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            refresh.digest,
            refresh.parent,
            refresh.family,
            refresh.user_id,
            instant_text(refresh.issued_at),
            instant_text(refresh.ends_at),
            optional_instant_text(refresh.used_at),
        ),
    )


def _refresh_of(row: sqlite3.Row) -> Refresh:
    checked("refreshes", row)
    return Refresh(
        digest=Sha256(row["digest"]),
        parent=None if row["parent"] is None else Sha256(row["parent"]),
        family=row["family"],
        user_id=UserId(row["user_id"]),
        issued_at=instant(row["issued_at"]),
        ends_at=instant(row["ends_at"]),
        used_at=optional_instant(row["used_at"]),
    )


def _forget_ended(connection: sqlite3.Connection, at: datetime) -> None:
    connection.execute(
        "DELETE FROM refreshes WHERE digest IN"
        " (SELECT digest FROM refreshes WHERE ends_at < ? LIMIT ?)",
        (instant_text(at), N_FORGOTTEN_AT_ONCE),
    )
