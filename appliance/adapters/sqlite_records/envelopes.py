"""Sealed items that were opened and stored, by their number."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from appliance.adapters.sqlite_records.columns import document_text, instant_text
from appliance.adapters.sqlite_records.database import Database
from appliance.adapters.sqlite_records.seals import checked
from appliance.core.audit import AuditEntry
from appliance.core.envelope import ItemKind, Receipt
from appliance.core.errors import ContentConflict
from appliance.core.ids import Sha256, UserId
from appliance.ports import Stored


class SqliteEnvelopes:
    """Fills `appliance.ports.EnvelopeRecords`."""

    def __init__(self, database: Database) -> None:
        """Keep numbers in this database."""
        self._database = database

    def add_envelope(
        self,
        item_id: str,
        kind: ItemKind,
        *,
        user_id: UserId,
        sha256: Sha256,
        at: datetime,
        audit: AuditEntry,
    ) -> tuple[Receipt, Stored]:
        """See the port."""
        with self._database.write(audit, growing=True) as connection:
            known = _receipt(connection, item_id)
            if known is not None:
                if (known.kind, known.user_id, known.sha256) != (kind, user_id, sha256):
                    raise ContentConflict(item_id=item_id)
                return known, Stored.SAME
            added = connection.execute(
                "INSERT INTO envelopes (id, kind, user_id, sha256, received_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (item_id, kind, user_id, sha256, instant_text(at)),
            )
            receipt = Receipt(
                item_id=item_id, kind=kind, user_id=user_id, sha256=sha256, seq=added.lastrowid or 0
            )
            return receipt, Stored.NEW

    def missing(self, items: Sequence[tuple[str, Sha256]]) -> tuple[str, ...]:
        """See the port."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM envelopes WHERE id IN (SELECT value FROM json_each(?))",
                (document_text([item_id for item_id, _ in items]),),
            ).fetchall()
        here = {(row["id"], row["sha256"]) for row in rows if checked("envelopes", row)}
        return tuple(item_id for item_id, sha256 in items if (item_id, sha256) not in here)

    def last_seq(self) -> int:
        """See the port."""
        with self._database.read() as connection:
            found = connection.execute("SELECT max(seq) FROM envelopes").fetchone()[0]
        return int(found or 0)


def _receipt(connection: sqlite3.Connection, item_id: str) -> Receipt | None:
    row = connection.execute("SELECT * FROM envelopes WHERE id = ?", (item_id,)).fetchone()
    if row is None:
        return None
    checked("envelopes", row)
    return Receipt(
        item_id=row["id"],
        kind=ItemKind(row["kind"]),
        user_id=UserId(row["user_id"]),
        sha256=Sha256(row["sha256"]),
        seq=row["seq"],
    )
