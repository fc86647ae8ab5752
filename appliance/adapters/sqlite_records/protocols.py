"""Installed protocol documents."""

from __future__ import annotations

import sqlite3

from appliance.adapters.sqlite_records.columns import instant, instant_text
from appliance.adapters.sqlite_records.database import Database
from appliance.adapters.sqlite_records.seals import checked
from appliance.core.audit import AuditEntry
from appliance.core.errors import ProtocolConflict, ProtocolNotFound
from appliance.core.ids import ProtocolId
from appliance.core.installed_protocol import InstalledProtocol
from appliance.ports import Stored


class SqliteProtocols:
    """Fills `appliance.ports.ProtocolRecords`."""

    def __init__(self, database: Database) -> None:
        """Keep protocols in this database."""
        self._database = database

    def install(self, protocol: InstalledProtocol, *, audit: AuditEntry) -> Stored:
        """See the port; which one is active is not for the caller to say."""
        with self._database.write(audit) as connection:
            known = connection.execute(
                "SELECT sha256 FROM protocols WHERE id = ?", (protocol.id,)
            ).fetchone()
            if known is not None:
                if known["sha256"] != protocol.sha256:
                    raise ProtocolConflict(protocol_id=protocol.id)
                return Stored.SAME
            connection.execute(
                "INSERT INTO protocols (id, sha256, title, document, installed_at, active)"
                " VALUES (?, ?, ?, ?, ?, NOT EXISTS (SELECT 1 FROM protocols))",
                (
                    protocol.id,
                    protocol.sha256,
                    protocol.title,
                    protocol.document,
                    instant_text(protocol.installed_at),
                ),
            )
            return Stored.NEW

    def protocol(self, protocol_id: ProtocolId) -> InstalledProtocol:
        """See the port."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT * FROM protocols WHERE id = ?", (protocol_id,)
            ).fetchone()
        if row is None:
            # Not under which name: whoever asked knows, and a client may send any text as one.
            raise ProtocolNotFound
        return _protocol(row)

    def active_protocol(self) -> InstalledProtocol:
        """See the port."""
        with self._database.read() as connection:
            row = connection.execute("SELECT * FROM protocols WHERE active = 1").fetchone()
        if row is None:
            raise ProtocolNotFound("No protocol is installed.")
        return _protocol(row)

    def protocols(self) -> tuple[InstalledProtocol, ...]:
        """See the port."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT * FROM protocols ORDER BY seq").fetchall()
        return tuple(_protocol(row) for row in rows)

    def activate_protocol(self, protocol_id: ProtocolId, *, audit: AuditEntry) -> None:
        """See the port."""
        with self._database.write(audit) as connection:
            here = connection.execute("SELECT 1 FROM protocols WHERE id = ?", (protocol_id,))
            if here.fetchone() is None:
                raise ProtocolNotFound(protocol_id=protocol_id)
            connection.execute("UPDATE protocols SET active = 0 WHERE active = 1")
            connection.execute("UPDATE protocols SET active = 1 WHERE id = ?", (protocol_id,))


def _protocol(row: sqlite3.Row) -> InstalledProtocol:
    checked("protocols", row)
    return InstalledProtocol(
        id=row["id"],
        sha256=row["sha256"],
        title=row["title"],
        document=row["document"],
        active=bool(row["active"]),
        installed_at=instant(row["installed_at"]),
    )
