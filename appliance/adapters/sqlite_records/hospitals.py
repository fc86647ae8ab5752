"""The list of hospitals."""

from __future__ import annotations

import json
import sqlite3

from appliance.adapters.sqlite_records.columns import (
    document_text,
    instant,
    instant_text,
)
from appliance.adapters.sqlite_records.database import Database
from appliance.adapters.sqlite_records.seals import checked, is_whole, reading_anything
from appliance.core.audit import AuditEntry
from appliance.core.errors import HospitalNotFound, NameTaken
from appliance.core.hospital import Hospital
from appliance.core.names import folded
from appliance.core.rgh import RghRule


class SqliteHospitals:
    """Fills `appliance.ports.HospitalRecords`; names are compared without case."""

    def __init__(self, database: Database) -> None:
        """Keep hospitals in this database."""
        self._database = database

    def add_hospital(self, hospital: Hospital, *, audit: AuditEntry) -> None:
        """See the port."""
        with self._database.write(audit) as connection:
            _refuse_taken(connection, hospital)
            connection.execute(
                "INSERT INTO hospitals (id, name, folded_name, rgh_rule, created_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (
                    hospital.id,
                    hospital.name,
                    folded(hospital.name),
                    _rule_text(hospital.rgh_rule),
                    instant_text(hospital.created_at),
                ),
            )

    def hospitals(self) -> tuple[Hospital, ...]:
        """See the port."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM hospitals NOT INDEXED ORDER BY folded_name"
            ).fetchall()
            return tuple(_hospital(connection, row) for row in rows)

    def change_hospital(self, hospital: Hospital, *, audit: AuditEntry) -> None:
        """See the port."""
        with self._database.write(audit) as connection:
            here = connection.execute(
                "SELECT name FROM hospitals WHERE id = ?", (hospital.id,)
            ).fetchone()
            if here is None:
                raise HospitalNotFound(hospital_id=hospital.id)
            _refuse_taken(connection, hospital)
            if here["name"] != hospital.name:
                _keep_former(connection, hospital, here["name"])
            connection.execute(
                "UPDATE hospitals SET name = ?, folded_name = ?, rgh_rule = ? WHERE id = ?",
                (
                    hospital.name,
                    folded(hospital.name),
                    _rule_text(hospital.rgh_rule),
                    hospital.id,
                ),
            )


def _refuse_taken(connection: sqlite3.Connection, hospital: Hospital) -> None:
    taken = connection.execute(
        "SELECT 1 FROM hospitals WHERE folded_name = :name AND id <> :id UNION ALL"
        " SELECT 1 FROM hospital_former_names WHERE folded_name = :name AND hospital_id <> :id",
        {"name": folded(hospital.name), "id": hospital.id},
    )
    if taken.fetchone():
        raise NameTaken


def _keep_former(connection: sqlite3.Connection, hospital: Hospital, name: str) -> None:
    connection.execute(
        "INSERT INTO hospital_former_names (hospital_id, name, folded_name) VALUES (?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (hospital.id, name, folded(name)),
    )


def _rule_text(rule: RghRule | None) -> str | None:
    return None if rule is None else document_text(rule.document())


def _hospital(connection: sqlite3.Connection, row: sqlite3.Row) -> Hospital:
    checked("hospitals", row)
    # All of them: an index may be damaged where the rows are not, or the row in what is asked for.
    with reading_anything(connection):
        former = connection.execute(
            "SELECT * FROM hospital_former_names NOT INDEXED ORDER BY seq"
        ).fetchall()
    rule = row["rgh_rule"]
    return Hospital(
        id=row["id"],
        name=row["name"],
        rgh_rule=None if rule is None else RghRule.from_document(json.loads(rule)),
        created_at=instant(row["created_at"]),
        former_names=tuple(
            name["name"]
            for name in former
            # One that is damaged is no name any more; that holds up nobody who uses another.
            if is_whole("hospital_former_names", name)
            and name["hospital_id"] == row["id"]
            and name["name"] != row["name"]
        ),
    )
