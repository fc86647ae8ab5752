"""How the schema came to be: named steps, only ever appended."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from typing import TypeAlias

import sqlite_utils

from appliance.adapters.sqlite_records import patient_schema, schema, seal_schema, session_schema
from appliance.adapters.sqlite_records.seals import seal_everything
from appliance.core.errors import DatabaseUnusable

APPLICATION_ID = 0x53504952
"""`SPIR`: what `file` and SQLite's tools see in the header."""

MIGRATIONS = sqlite_utils.Migrations("records")


_OF_THE_LIBRARY = "_sqlite_"

_Rows: TypeAlias = frozenset[tuple[str, str, str, str | None]]

STEPS: dict[str, tuple[str, ...]] = {
    "0001_accounts": schema.ACCOUNTS,
    "0002_installed": schema.INSTALLED,
    "0003_audit": schema.AUDIT,
    "0004_recordings": patient_schema.RECORDINGS,
    "0005_inferences": patient_schema.INFERENCES,
    "0006_results": patient_schema.RESULTS,
    "0007_seals": seal_schema.SEALS,
    "0008_audit_head": seal_schema.AUDIT_HEAD,
    "0009_refreshes": session_schema.REFRESHES,
    "0010_envelopes": session_schema.ENVELOPES,
    "0011_tablets": session_schema.TABLETS,
    "0012_disagreement": patient_schema.DISAGREEMENT,
    "0013_later_results": seal_schema.LATER_RESULTS,
}

SEALING = frozenset({"0007_seals"})
"""Steps after which every row is sealed anew. A later step that gives existing rows a value they
had not belongs in here; one that only adds columns without a value does not."""


def _register(name: str, statements: tuple[str, ...]) -> None:
    @MIGRATIONS(name=name)
    def step(database: sqlite_utils.Database) -> None:
        for statement in statements:
            database.conn.execute(statement)
        if name in SEALING:
            seal_everything(database.conn)


for _name, _statements in STEPS.items():
    _register(_name, _statements)


def prepare(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date; the caller holds the writer's lock.

    Raises:
        DatabaseUnusable: another program's file, a newer release's, one whose schema is
            damaged, or one that cannot have a WAL (a network file system).
    """
    database = sqlite_utils.Database(connection, execute_plugins=False)
    is_new = _is_new(connection)
    try:
        applied = {migration.name for migration in MIGRATIONS.applied(database)}
    except KeyError as error:  # a column of the library's own table has another name
        raise DatabaseUnusable("The schema is damaged.") from error
    if applied - STEPS.keys():
        raise DatabaseUnusable("The database was written by a newer release.")
    if connection.execute("PRAGMA journal_mode=WAL").fetchone()[0] != "wal":
        raise DatabaseUnusable("The file system cannot hold a write-ahead log.")
    if is_new:
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    MIGRATIONS.apply(database)
    # Not the triggers: they are checked by `verify`, and a box without one still works.
    if any(kind != "trigger" for _, kind, _, _ in _expected() - _schema(connection)):
        raise DatabaseUnusable("The schema is damaged.")


def schema_problems(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return the names of tables, indexes and triggers that are not as this release makes them."""
    differences = _schema(connection) ^ _expected()
    return tuple(f"schema of {name}" for name in sorted({str(row[0]) for row in differences}))


@cache
def _expected() -> _Rows:
    """Return the schema as this release makes it."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        MIGRATIONS.apply(sqlite_utils.Database(fresh, execute_plugins=False))
        return _schema(fresh)


def _schema(connection: sqlite3.Connection) -> _Rows:
    rows = connection.execute("SELECT name, type, tbl_name, sql FROM sqlite_master")
    return frozenset(
        (name, kind, table, sql)
        for name, kind, table, sql in rows
        if not str(name).startswith(_OF_THE_LIBRARY)
    )


def _is_new(connection: sqlite3.Connection) -> bool:
    """Return whether the file is still empty. Raises DatabaseUnusable if it is not ours."""
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    n_objects = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application_id != APPLICATION_ID and (application_id or n_objects):
        raise DatabaseUnusable("The file is not a database of the appliance.")
    return not application_id
