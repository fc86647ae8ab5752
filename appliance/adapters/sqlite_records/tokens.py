"""Access tokens as rows."""

from __future__ import annotations

import sqlite3

from appliance.adapters.sqlite_records.columns import instant_text
from appliance.core.account import Token


def insert_token(connection: sqlite3.Connection, token: Token) -> None:
    """Store a token; one of a family that ended is born dead."""
    connection.execute(
        "INSERT INTO tokens (id, family, user_id, issued_at, expires_at, revoked)"
        " VALUES (:id, :family, :user_id, :issued_at, :expires_at, EXISTS"
        " (SELECT 1 FROM tokens WHERE family = :family AND revoked = 1))",
        {
            "id": token.id,
            "family": token.family,
            "user_id": token.user_id,
            "issued_at": instant_text(token.issued_at),
            "expires_at": instant_text(token.expires_at),
        },
    )
