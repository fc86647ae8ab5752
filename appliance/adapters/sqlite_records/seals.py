"""A row's own SHA-256: what SQLite hands back is what was handed to it, or an error.

SQLite checks its pages' structure, not their content: a bit that flips inside a form or a
probability passes `integrity_check`. So each row carries the digest of its other columns. The
writing connection sets it by temporary triggers, whatever statement wrote the row, and lets no
statement change a row that is damaged: that would seal the damage. Readers compare.

The digest is kept in the row and leaves with it: elsewhere the digest of a short form would be a
fingerprint that outlives the form's erasure.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from appliance.core.errors import RecordDamaged

SEAL: Final = "row_sha256"
REFUSAL: Final = "record-damaged"
"""How the triggers' refusal begins; `faults` makes it RecordDamaged."""

SEALED_AT_FIRST: Final = (
    "hospitals",
    "hospital_former_names",
    "users",
    "user_hospitals",
    "tokens",
    "sign_in_failures",
    "protocols",
    "models",
    "model_versions",
    "activations",
    "trusted_keys",
    "recordings",
    "inferences",
    "consents",
    "attachments",
    "refused_recordings",
    "not_done",
    "results",
)
"""The tables there were when seals came; later ones are made with theirs."""

SEALED: Final = (*SEALED_AT_FIRST, "refreshes", "envelopes", "tablets")
"""Every table but the audit, whose rows are chained instead."""

COUNTS: Final = (
    ("inferences", "inference_id", "n_consents", "consents"),
    ("inferences", "inference_id", "n_attachments", "attachments"),
    ("inferences", "inference_id", "n_not_done", "not_done"),
    ("inferences", "inference_id", "n_results", "results"),
    ("users", "user_id", "n_hospitals", "user_hospitals"),
)
"""Who counts which rows that name it: one that is lost, or that a damaged index no longer finds,
is missed by whoever reads their owner."""

_ON_DAMAGE: Final = {
    "results": "RAISE(IGNORE)",
    "tokens": "RAISE(IGNORE)",
    "refreshes": "RAISE(IGNORE)",
    "sign_in_failures": "",
}
"""Changed many at once: a damaged row stays as it is and holds up no other. Counts of failed
sign-ins heal by being written anew; refusing would lock people out."""

_NAMES: Final = ("id", "recording_id", "inference_id", "fingerprint", "user_id", "hospital_id")
_PLACE: Final = "@"
"""In the columns of a seal's call: where OLD or NEW stands."""
_SAFE_NAME: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{64}")


def seal_of(table: str, values: tuple[object, ...]) -> str:
    """Return the SHA-256 (hex) of a row's content.

    It is taken over `(table, (value, ...))` as Python spells it in ASCII: one spelling for each
    value and no two values alike, at half the time of JSON. The values are in the order of the
    table. Absent ones at the end are left out, so that a step that adds a column without a value
    changes no seal.

    Args:
        table: its name.
        values: of all columns but the seal.
    """
    while values and values[-1] is None:
        values = values[:-1]
    return hashlib.sha256(ascii((table, values)).encode("ascii")).hexdigest()


def checked(table: str, row: sqlite3.Row) -> sqlite3.Row:
    """Return the row, all columns of its table, if it is as it was written.

    Raises:
        RecordDamaged: it is not.
    """
    if not is_whole(table, row):
        raise RecordDamaged(table=table, record=name_of(row))
    return row


def is_whole(table: str, row: sqlite3.Row) -> bool:
    """Return whether the row, all columns of its table, is as it was written."""
    values: tuple[object, ...] = tuple(row)
    place = row.keys().index(SEAL)
    return seal_of(table, values[:place] + values[place + 1 :]) == values[place]


def all_checked(table: str, rows: Iterable[sqlite3.Row]) -> list[sqlite3.Row]:
    """Return the rows as `checked` does each. Raises RecordDamaged."""
    return [checked(table, row) for row in rows]


def refuse_lost(table: str, n_rows: int, *, expected: int, owner: str) -> None:
    """Raise RecordDamaged if fewer (or more) rows are found than their owner counts."""
    if n_rows != expected:
        raise RecordDamaged(table=table, record=owner, n_rows=n_rows, n_expected=expected)


def name_of(row: sqlite3.Row) -> str:
    """Return the id a row goes by; damaged rows may hold anything, so only what looks like one."""
    columns = row.keys()
    for name in _NAMES:
        if name in columns and _SAFE_NAME.fullmatch(str(row[name])):
            return str(row[name])
    return ""


def damaged_rows(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """Yield table and id of every row that is not as it was written; reads all of them.

    Of rows that their owner misses, the owner's id.
    """
    connection.text_factory = any_text
    for table in SEALED:
        # The names are those above.
        for row in connection.execute(f"SELECT * FROM {table} NOT INDEXED"):  # noqa: S608
            if not is_whole(table, row):
                yield table, name_of(row)
    for owner, key, count, part in COUNTS:
        # The names are those above.
        rows = connection.execute(
            f"SELECT * FROM {owner} WHERE {count} <>"  # noqa: S608
            f" (SELECT count(*) FROM {part} WHERE {key} = {owner}.id)"
        )
        yield from ((part, name_of(row)) for row in rows)


def keep_sealed(connection: sqlite3.Connection) -> None:
    """Let this connection seal every row it writes, and refuse to change one that is damaged."""
    connection.execute("PRAGMA temp_store=MEMORY")
    for table in SEALED:
        columns = _sealing(connection, table)
        # Triggers of the schema could not call our function (trusted_schema=OFF); these may.
        names = ", ".join(_names_of(connection, table))
        for event in ("INSERT", f"UPDATE OF {names}"):
            name = f"{table}_sealed_on_{event.split(maxsplit=1)[0].lower()}"
            connection.execute(
                f"CREATE TEMP TRIGGER {name} AFTER {event} ON main.{table} BEGIN"  # noqa: S608
                f" UPDATE {table} SET {SEAL} = {_call(table, columns, 'NEW.')}"
                f" WHERE {_this_row(connection, table)}; END"
            )
        if refusal := _ON_DAMAGE.get(table, f"RAISE(ABORT, '{REFUSAL} {table}')"):
            connection.execute(
                f"CREATE TEMP TRIGGER {table}_damaged BEFORE UPDATE OF {names}"
                f" ON main.{table} WHEN OLD.{SEAL} <> {_call(table, columns, 'OLD.')}"
                f" BEGIN SELECT {refusal}; END"
            )


def seal_everything(connection: sqlite3.Connection) -> None:
    """Seal every row as it is now: for the step that brings seals, or fills a column."""
    here = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
    for table in (name for name in SEALED if name in here):
        call = _call(table, _sealing(connection, table))
        connection.execute(f"UPDATE {table} SET {SEAL} = {call}")  # noqa: S608 - names of ours


def _sealing(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    """Give the connection the table's function; return the columns it takes.

    Texts come as bytes: damage may have made them no UTF-8, and a function that cannot even be
    called would hold up every statement that meets the row.
    """
    rows = connection.execute("SELECT name, type FROM pragma_table_info(?)", (table,)).fetchall()
    columns = {row[0]: row[1] for row in rows if row[0] != SEAL}
    texts = [kind == "TEXT" for kind in columns.values()]

    def seal(*values: object) -> str:
        read = zip(values, texts, strict=True)
        return seal_of(table, tuple(_as_text(v) if is_text else v for v, is_text in read))

    connection.create_function(f"seal_{table}", len(columns), seal, deterministic=True)
    return tuple(
        f"CAST({_PLACE}{name} AS BLOB)" if is_text else f"{_PLACE}{name}"
        for name, is_text in zip(columns, texts, strict=True)
    )


def _names_of(connection: sqlite3.Connection, table: str) -> list[str]:
    rows = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
    return [row[0] for row in rows if row[0] != SEAL]


def _as_text(value: object) -> object:
    return any_text(value) if isinstance(value, bytes) else value


def _call(table: str, columns: Sequence[str], prefix: str = "") -> str:
    return f"seal_{table}({', '.join(column.replace(_PLACE, prefix) for column in columns)})"


def _this_row(connection: sqlite3.Connection, table: str) -> str:
    without_rowid = connection.execute(
        "SELECT wr FROM pragma_table_list(?) WHERE schema = 'main'", (table,)
    ).fetchone()[0]
    if not without_rowid:
        return "rowid = NEW.rowid"
    keys = connection.execute("SELECT name FROM pragma_table_info(?) WHERE pk > 0", (table,))
    return " AND ".join(f"{row[0]} = NEW.{row[0]}" for row in keys)


@contextmanager
def reading_anything(connection: sqlite3.Connection) -> Iterator[None]:
    """Read texts that damage made no UTF-8: their rows are told from whole ones by `is_whole`."""
    connection.text_factory = any_text
    try:
        yield
    finally:
        connection.text_factory = str


def any_text(raw: bytes) -> str:
    """Return a text even where damage made it no UTF-8."""
    return raw.decode("utf-8", "surrogateescape")
