"""The audit chain as readers and console see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from appliance.adapters.sqlite_records.chain import append_row, audit_row, last_row
from appliance.adapters.sqlite_records.database import Database, Unaudited
from appliance.adapters.sqlite_records.seals import any_text
from appliance.core.audit import GENESIS, AuditAction, AuditEntry, AuditLine, AuditRow
from appliance.core.errors import RecordDamaged

_N_PAGE = 500
_N_PAGE_OF_LINES = 5_000

_BEGINNINGS = (
    ("hospital", "SELECT id FROM hospitals", AuditAction.HOSPITAL_ADDED),
    ("user", "SELECT id FROM users", AuditAction.USER_ADDED),
    ("protocol", "SELECT id FROM protocols", AuditAction.PROTOCOL_INSTALLED),
    ("model", "SELECT id FROM models", AuditAction.MODEL_ADDED),
    ("model-version", "SELECT id FROM model_versions", AuditAction.MODEL_INSTALLED),
    ("key", "SELECT fingerprint FROM trusted_keys", AuditAction.KEY_ADDED),
    ("recording", "SELECT id FROM recordings", AuditAction.RECORDING_STORED),
    ("inference", "SELECT id FROM inferences", AuditAction.INFERENCE_STORED),
    (
        "result",
        "SELECT id FROM results WHERE attempts > 0 AND state IN ('done', 'error')",
        AuditAction.RESULT_STORED,
    ),
    (
        "withdrawal",
        "SELECT inference_id FROM consents WHERE decision = 'withdrawn'",
        AuditAction.CONSENT_WITHDRAWN,
    ),
)
"""What is stored with an audit row of its own, and which row that is."""


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

    def lines(self) -> Iterator[AuditLine]:
        """See the port."""
        after = 0
        while True:
            try:
                lines = self._page(after, text=str)
            except RecordDamaged:
                lines = self._page(after, text=any_text)
            yield from lines
            # A damaged page may go round in circles.
            if not lines or lines[-1].seq <= after:
                return
            after = lines[-1].seq

    def head(self) -> tuple[int, str]:
        """See the port."""
        with self._database.read() as connection:
            return last_row(connection)

    def noted_head(self) -> tuple[int, str]:
        """See the port; a damaged note is none."""
        with self._database.read() as connection:
            row = connection.execute("SELECT seq, hash FROM audit_head").fetchone()
        if row is None or not isinstance(row["seq"], int) or not isinstance(row["hash"], str):
            return 0, ""
        return row["seq"], row["hash"] or GENESIS

    def unaudited(self) -> Iterator[tuple[str, str]]:
        """See the port."""
        for kind, things, action in _BEGINNINGS:
            with self._database.read() as connection:
                rows = connection.execute(
                    f"{things} EXCEPT SELECT entity_id FROM audit WHERE action = ?",  # noqa: S608
                    (action,),
                ).fetchall()
            yield from ((kind, row[0]) for row in rows)

    def _page(self, after: int, *, text: Callable[[bytes], str]) -> list[AuditLine]:
        with self._database.read() as connection:
            connection.text_factory = text
            try:
                rows = connection.execute(
                    "SELECT seq, at, actor, action, entity, entity_id, details, previous, hash"
                    " FROM audit WHERE seq > ? ORDER BY seq LIMIT ?",
                    (after, _N_PAGE_OF_LINES),
                ).fetchall()
            finally:
                connection.text_factory = str
        return list(map(AuditLine._make, rows))
