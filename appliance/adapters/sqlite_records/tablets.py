"""Enrolled tablets, by the digests of their codes and secrets."""

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
from appliance.adapters.sqlite_records.seals import all_checked, is_whole
from appliance.core.audit import AuditEntry
from appliance.core.errors import NameTaken, TabletNotFound
from appliance.core.ids import Sha256, TabletId
from appliance.core.names import folded
from appliance.core.tablet import Standing, Tablet


class SqliteTablets:
    """Fills `appliance.ports.TabletRecords`."""

    def __init__(self, database: Database) -> None:
        """Keep tablets in this database."""
        self._database = database

    def add_tablet(self, tablet: Tablet, *, code: Sha256, audit: AuditEntry) -> None:
        """See the port."""
        with self._database.write(audit, growing=True) as connection:
            taken = connection.execute(
                "SELECT 1 FROM tablets WHERE folded_name = ? AND revoked = 0",
                (folded(tablet.name),),
            ).fetchone()
            if taken is not None:
                raise NameTaken
            connection.execute(
                "INSERT INTO tablets"
                " (id, name, folded_name, created_at, code_sha256, code_ends_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    tablet.id,
                    tablet.name,
                    folded(tablet.name),
                    instant_text(tablet.created_at),
                    code,
                    optional_instant_text(tablet.code_ends_at),
                ),
            )

    def awaited(self, code: Sha256, *, now: datetime) -> Tablet | None:
        """See the port."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT * FROM tablets WHERE code_sha256 = ? AND revoked = 0 AND code_ends_at > ?",
                (code, instant_text(now)),
            ).fetchone()
        return _whole(row)

    def enrol(
        self, tablet_id: TabletId, *, code: Sha256, secret: Sha256, at: datetime, audit: AuditEntry
    ) -> bool:
        """See the port."""
        with self._database.write(audit) as connection:
            enrolled = connection.execute(
                "UPDATE tablets SET secret_sha256 = ?, enrolled_at = ?"
                " WHERE id = ? AND code_sha256 = ? AND revoked = 0 AND code_ends_at > ?",
                (secret, instant_text(at), tablet_id, code, instant_text(at)),
            )
            return enrolled.rowcount == 1

    def tablet_with(self, secret: Sha256) -> Tablet | None:
        """See the port."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT * FROM tablets WHERE secret_sha256 = ? AND revoked = 0", (secret,)
            ).fetchone()
        return _whole(row)

    def stands(self, tablet_id: TabletId, standing: Standing) -> None:
        """See the port."""
        with self._database.write(Unaudited.STANDING, growing=True) as connection:
            connection.execute(
                "UPDATE tablets SET code_sha256 = NULL, code_ends_at = NULL, standing_at = ?,"
                " app_version = ?, n_waiting = ?, oldest_at = ?, storage_pct = ?, highest_seq = ?"
                " WHERE id = ? AND revoked = 0",
                (
                    instant_text(standing.at),
                    standing.app_version,
                    standing.n_waiting,
                    optional_instant_text(standing.oldest_at),
                    standing.storage_pct,
                    standing.highest_seq,
                    tablet_id,
                ),
            )

    def tablets(self) -> tuple[Tablet, ...]:
        """See the port."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM tablets NOT INDEXED ORDER BY folded_name, created_at"
            ).fetchall()
        return tuple(_tablet_of(row) for row in all_checked("tablets", rows))

    def revoke_tablet(self, tablet_id: TabletId, *, audit: AuditEntry) -> None:
        """See the port."""
        with self._database.write(audit) as connection:
            here = connection.execute("SELECT 1 FROM tablets WHERE id = ?", (tablet_id,)).fetchone()
            if here is None:
                raise TabletNotFound
            connection.execute(
                "UPDATE tablets SET revoked = 1, secret_sha256 = NULL, code_sha256 = NULL,"
                " code_ends_at = NULL WHERE id = ? AND revoked = 0",
                (tablet_id,),
            )


def _whole(row: sqlite3.Row | None) -> Tablet | None:
    """Return the tablet of a row; a damaged one lets nobody in."""
    return None if row is None or not is_whole("tablets", row) else _tablet_of(row)


def _tablet_of(row: sqlite3.Row) -> Tablet:
    return Tablet(
        id=TabletId(row["id"]),
        name=row["name"],
        created_at=instant(row["created_at"]),
        code_ends_at=optional_instant(row["code_ends_at"]),
        enrolled_at=optional_instant(row["enrolled_at"]),
        revoked=bool(row["revoked"]),
        standing=None if row["standing_at"] is None else _standing_of(row),
    )


def _standing_of(row: sqlite3.Row) -> Standing:
    return Standing(
        at=instant(row["standing_at"]),
        app_version=row["app_version"],
        n_waiting=row["n_waiting"],
        oldest_at=optional_instant(row["oldest_at"]),
        storage_pct=row["storage_pct"],
        highest_seq=row["highest_seq"],
    )
