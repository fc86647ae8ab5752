"""The audit chain as readers and console see it."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.adapters.sqlite_records.chain import append_row, audit_row, last_row
from appliance.adapters.sqlite_records.database import Database, Unaudited
from appliance.core.audit import AuditEntry, AuditRow

_N_PAGE = 500


class SqliteAudit:
    """Fills `appliance.ports.AuditRecords`."""

    def __init__(self, database: Database) -> None:
        """Keep the chain in this database."""
        self._database = database

    def append(self, entry: AuditEntry) -> AuditRow:
        """See the port."""
        with self._database.write(Unaudited.AUDIT_ITSELF) as connection:
            return append_row(connection, entry)

    def rows(self, *, after: int = 0) -> Iterator[AuditRow]:
        """See the port; AuditBroken where a row cannot be read."""
        while True:
            with self._database.read() as connection:
                rows = connection.execute(
                    "SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?", (after, _N_PAGE)
                ).fetchall()
            if not rows:
                return
            for row in rows:
                yield audit_row(row)
            after = rows[-1]["seq"]

    def head(self) -> tuple[int, str]:
        """See the port."""
        with self._database.read() as connection:
            return last_row(connection)
