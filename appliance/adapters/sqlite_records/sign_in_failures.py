"""The counts of failed sign-ins as rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime, timedelta

from appliance.adapters.sqlite_records.columns import instant, instant_text
from appliance.core.throttle import FORGET_AFTER_S, Budget, Failures

N_FORGOTTEN_AT_ONCE = 1_000
"""More than one sign-in adds, and few enough that none of them has to wait."""


def read_failures(
    connection: sqlite3.Connection, keys: Mapping[Budget, str]
) -> Mapping[Budget, Failures]:
    """Return what is stored under these keys; absent means none."""
    found = {}
    for budget, key in keys.items():
        row = connection.execute("SELECT * FROM sign_in_failures WHERE key = ?", (key,)).fetchone()
        if row is not None:
            found[budget] = Failures(
                n_failures=row["n_failures"],
                last_at=instant(row["last_at"]),
                known=bool(row["known"]),
            )
    return found


def store_failures(
    connection: sqlite3.Connection,
    keys: Mapping[Budget, str],
    failures: Mapping[Budget, Failures],
) -> None:
    """Store the counts under their keys."""
    for budget, counted in failures.items():
        connection.execute(
            "INSERT INTO sign_in_failures (key, budget, n_failures, last_at, known)"
            " VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET"
            " n_failures = excluded.n_failures, last_at = excluded.last_at,"
            " known = excluded.known",
            (
                keys[budget],
                budget,
                counted.n_failures,
                instant_text(counted.last_at),
                counted.known,
            ),
        )


def forget_old(connection: sqlite3.Connection, at: datetime) -> None:
    """Drop counts that no rule looks at any more, so that guessing cannot fill the disk."""
    day = timedelta(seconds=FORGET_AFTER_S)
    connection.execute(
        "DELETE FROM sign_in_failures WHERE key IN (SELECT key FROM sign_in_failures"
        " WHERE known = 0 AND (last_at < ? OR last_at > ?) LIMIT ?)",
        (instant_text(at - day), instant_text(at + day), N_FORGOTTEN_AT_ONCE),
    )
