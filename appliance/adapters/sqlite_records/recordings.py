"""Recordings as received."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime

from appliance.adapters.sqlite_records.columns import document_text, instant, instant_text
from appliance.adapters.sqlite_records.database import Database
from appliance.adapters.sqlite_records.seals import all_checked, checked
from appliance.core.audit import AuditEntry
from appliance.core.errors import ContentConflict, RecordingNotFound, RecordingRefused
from appliance.core.ids import RecordingId, Sha256
from appliance.core.inference import Inference, Recording
from appliance.core.quality import Measures
from appliance.ports import Stored

_N_PAGE = 1_000


class SqliteRecordings:
    """Fills `appliance.ports.RecordingRecords`."""

    def __init__(self, database: Database) -> None:
        """Keep recordings in this database."""
        self._database = database

    def add_recording(self, recording: Recording, *, audit: AuditEntry) -> Stored:
        """See the port."""
        with self._database.write(audit) as connection:
            known = connection.execute(
                "SELECT * FROM recordings WHERE id = ?", (recording.id,)
            ).fetchone()
            if known is not None:
                here = _recording(known)
                if (here.user_id, here.role, here.sha256) != (
                    recording.user_id,
                    recording.role,
                    recording.sha256,
                ):
                    raise ContentConflict(recording_id=recording.id)
                return Stored.SAME
            _refuse_refused(connection, recording)
            connection.execute(
                "INSERT INTO recordings (id, user_id, role, protocol_id, sha256, n_bytes,"
                " measures, received_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    recording.id,
                    recording.user_id,
                    recording.role,
                    recording.protocol_id,
                    recording.sha256,
                    recording.n_bytes,
                    document_text(asdict(recording.measures)),
                    instant_text(recording.received_at),
                ),
            )
            return Stored.NEW

    def recording(self, recording_id: RecordingId) -> Recording:
        """See the port."""
        found = self.recordings((recording_id,))
        if not found:
            raise RecordingNotFound(recording_id=recording_id)
        return found[0]

    def recordings(self, ids: Sequence[RecordingId]) -> tuple[Recording, ...]:
        """See the port."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM recordings WHERE id IN (SELECT value FROM json_each(?))",
                (document_text(list(ids)),),
            ).fetchall()
        here = {row["id"]: _recording(row) for row in rows}
        return tuple(here[recording_id] for recording_id in ids if recording_id in here)

    def erase_recording(self, recording_id: RecordingId, *, audit: AuditEntry) -> None:
        """See the port."""
        with self._database.write(audit) as connection:
            erase_unattached(connection, (recording_id,))

    def unattached(self, *, received_before: datetime) -> tuple[Recording, ...]:
        """See the port."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM recordings WHERE received_at < ? AND NOT EXISTS"
                " (SELECT 1 FROM attachments WHERE recording_id = recordings.id)"
                " ORDER BY received_at, seq",
                (instant_text(received_before),),
            ).fetchall()
        return tuple(_recording(row) for row in rows)

    def is_referenced(self, sha256: Sha256) -> bool:
        """See the port."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT 1 FROM recordings WHERE sha256 = ? LIMIT 1", (sha256,)
            ).fetchone()
        return row is not None

    def content_hashes(self) -> Iterator[Sha256]:
        """See the port; read from the rows, since an index may be damaged where they are not."""
        last, known = 0, set[Sha256]()
        while True:
            with self._database.read() as connection:
                rows = connection.execute(
                    "SELECT * FROM recordings WHERE seq > ? ORDER BY seq LIMIT ?", (last, _N_PAGE)
                ).fetchall()
            if not rows:
                return
            for row in all_checked("recordings", rows):
                if row["sha256"] not in known:
                    known.add(row["sha256"])
                    yield row["sha256"]
            last = rows[-1]["seq"]


def erase_unattached(connection: sqlite3.Connection, ids: Sequence[RecordingId]) -> None:
    """Remove those of the recordings that no inference attaches."""
    connection.executemany(
        "DELETE FROM recordings WHERE id = ? AND NOT EXISTS"
        " (SELECT 1 FROM attachments WHERE recording_id = recordings.id)",
        [(recording_id,) for recording_id in ids],
    )


def _refuse_refused(connection: sqlite3.Connection, recording: Recording) -> None:
    """Raise RecordingRefused for an id that a refusal of its user named."""
    refused = connection.execute(
        "SELECT 1 FROM refused_recordings WHERE recording_id = ? AND user_id = ?",
        (recording.id, recording.user_id),
    )
    if refused.fetchone():
        raise RecordingRefused(recording_id=recording.id)


def erase_refused(
    connection: sqlite3.Connection, refusal: Inference, named: Sequence[RecordingId]
) -> tuple[RecordingId, ...]:
    """Remember the ids as refused; remove the rows of those the refusal's user may erase."""
    erased = []
    for recording_id in dict.fromkeys(named):
        row = connection.execute(
            "DELETE FROM recordings WHERE id = ? AND user_id = ? AND NOT EXISTS"
            " (SELECT 1 FROM attachments WHERE recording_id = recordings.id) RETURNING sha256",
            (recording_id, refusal.user_id),
        ).fetchone()
        connection.execute(
            "INSERT INTO refused_recordings (recording_id, user_id, inference_id, sha256)"
            " VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (recording_id, refusal.user_id, refusal.id, row["sha256"] if row else None),
        )
        if row:
            erased.append(recording_id)
    return tuple(erased)


def _recording(row: sqlite3.Row) -> Recording:
    checked("recordings", row)
    return Recording(
        id=row["id"],
        user_id=row["user_id"],
        role=row["role"],
        protocol_id=row["protocol_id"],
        sha256=row["sha256"],
        n_bytes=row["n_bytes"],
        measures=Measures(**json.loads(row["measures"])),
        received_at=instant(row["received_at"]),
    )
