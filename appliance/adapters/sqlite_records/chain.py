"""The audit chain's rows: appended in the transaction of what they record."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from datetime import UTC

from appliance.adapters.sqlite_records.columns import instant
from appliance.core.audit import GENESIS, AuditAction, AuditEntry, AuditRow, line_of, row_hash
from appliance.core.errors import AuditBroken


def append_row(connection: sqlite3.Connection, entry: AuditEntry) -> AuditRow:
    """Append the entry to the chain, within the caller's transaction.

    The instant is stored, and hashed, in UTC.
    """
    number, previous = last_row(connection)
    entry = replace(entry, at=entry.at.astimezone(UTC))
    row = AuditRow(
        seq=number + 1,
        entry=entry,
        previous=previous,
        hash=row_hash(number + 1, entry, previous),
    )
    connection.execute(
        "INSERT INTO audit (seq, at, actor, action, entity, entity_id, details, previous, hash)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        line_of(row),
    )
    return row


def last_row(connection: sqlite3.Connection) -> tuple[int, str]:
    """Return number and hash of the last row; (0, GENESIS) when there is none.

    Raises:
        AuditBroken: its hash is damaged; nothing can follow it.
    """
    row = connection.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    if row is None:
        return 0, GENESIS
    if not isinstance(row["hash"], str):
        raise AuditBroken("The last audit row cannot be read.", seq=row["seq"])
    return row["seq"], row["hash"]


def audit_row(row: sqlite3.Row) -> AuditRow:
    """Return the stored row as a value.

    Raises:
        AuditBroken: somebody wrote into it what the appliance cannot have written.
    """
    try:
        return _audit_row(row)
    except (ValueError, TypeError) as error:
        raise AuditBroken("An audit row cannot be read.", seq=row["seq"]) from error


def _audit_row(row: sqlite3.Row) -> AuditRow:
    return AuditRow(
        seq=row["seq"],
        entry=AuditEntry(
            at=instant(row["at"]),
            actor=row["actor"],
            action=AuditAction(row["action"]),
            entity=row["entity"],
            entity_id=row["entity_id"],
            details=json.loads(row["details"]),
        ),
        previous=row["previous"],
        hash=row["hash"],
    )
