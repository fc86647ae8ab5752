"""Inferences with their consents, attachments and results."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from appliance.adapters.sqlite_records.chain import append_row
from appliance.adapters.sqlite_records.columns import document_text, instant_text
from appliance.adapters.sqlite_records.consents import consent_of, insert_consent
from appliance.adapters.sqlite_records.database import Database, Unaudited
from appliance.adapters.sqlite_records.inference_rows import insert_inference, load_inferences
from appliance.adapters.sqlite_records.listing import page_rows
from appliance.adapters.sqlite_records.recordings import erase_refused
from appliance.adapters.sqlite_records.results import insert_result, result_of
from appliance.adapters.sqlite_records.seals import checked, refuse_lost
from appliance.core.audit import AuditAction, AuditEntry
from appliance.core.errors import (
    ConsentRequired,
    ContentConflict,
    InferenceNotFound,
    RecordingsMissing,
)
from appliance.core.ids import InferenceId, RecordingId, Sha256, UserId
from appliance.core.inference import (
    Consent,
    ConsentDecision,
    Inference,
    InferencePage,
    InferenceQuery,
    InferenceStatus,
    Settled,
)
from appliance.core.result import Result, ResultState
from appliance.ports import Stored


class SqliteInferences:
    """Fills `appliance.ports.InferenceRecords`."""

    def __init__(self, database: Database) -> None:
        """Keep inferences in this database."""
        self._database = database

    def add_inference(
        self,
        inference: Inference,
        results: Sequence[Result],
        *,
        audit: AuditEntry,
    ) -> Stored:
        """See the port.

        A recording another inference attaches is not attached again (ContentConflict). Raises
        ConsentRequired for recordings under a consent that does not allow them.
        """
        with self._database.write(audit, growing=True) as connection:
            if _is_here(connection, inference):
                return Stored.SAME
            _check_attachable(connection, inference)
            insert_inference(connection, _settled(inference, results), n_results=len(results))
            for result in results:
                insert_result(connection, result)
            return Stored.NEW

    def add_shadow(self, result: Result, *, audit: AuditEntry) -> Stored:
        """See the port."""
        with self._database.write(audit, growing=True) as connection:
            if _row(connection, result.inference_id) is None:
                raise InferenceNotFound(inference_id=result.inference_id)
            known = connection.execute(
                "SELECT 1 FROM results WHERE inference_id = ? AND model_version_id = ?",
                (result.inference_id, result.model_version_id),
            )
            if known.fetchone() is not None:
                return Stored.SAME
            insert_result(connection, result)
            connection.execute(
                "UPDATE inferences SET n_results = n_results + 1 WHERE id = ?",
                (result.inference_id,),
            )
            return Stored.NEW

    def add_refusal(
        self,
        refusal: Inference,
        named: Sequence[RecordingId],
        *,
        audit: Callable[[Sequence[RecordingId]], Sequence[AuditEntry]],
    ) -> Stored:
        """See the port."""
        with self._database.write(Unaudited.ONE_BY_ONE) as connection:
            if _is_here(connection, refusal):
                return Stored.SAME
            insert_inference(connection, refusal, n_results=0)
            for entry in audit(erase_refused(connection, refusal, named)):
                append_row(connection, entry)
            return Stored.NEW

    def refused_content(self, inference_id: InferenceId) -> tuple[Sha256, ...]:
        """See the port; by rising hash."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT DISTINCT sha256 FROM refused_recordings"
                " WHERE inference_id = ? AND sha256 IS NOT NULL ORDER BY sha256",
                (inference_id,),
            ).fetchall()
        return tuple(row["sha256"] for row in rows)

    def inference(self, inference_id: InferenceId) -> Inference:
        """See the port; its consent is the one it was stored with."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM inferences WHERE id = ?", (inference_id,)
            ).fetchall()
            if not rows:
                raise InferenceNotFound(inference_id=inference_id)
            return load_inferences(connection, rows)[0]

    def find(self, query: InferenceQuery) -> InferencePage:
        """See the port; absent values sort before all others."""
        with self._database.read() as connection:
            rows, cursor = page_rows(connection, query)
            return InferencePage(inferences=load_inferences(connection, rows), next=cursor)

    def results(self, inference_id: InferenceId) -> tuple[Result, ...]:
        """See the port."""
        with self._database.read() as connection:
            owner = _row(connection, inference_id)
            rows = connection.execute(
                "SELECT * FROM results WHERE inference_id = ?", (inference_id,)
            ).fetchall()
            expected = owner["n_results"] if owner else 0
            refuse_lost("results", len(rows), expected=expected, owner=inference_id)
            found = {row["seq"]: result_of(connection, row) for row in rows}
        order = sorted(found, key=lambda seq: (found[seq].shadow, found[seq].model_name, seq))
        return tuple(found[seq] for seq in order)

    def settled(self, user_id: UserId, *, after: int, n_most: int = 100) -> tuple[Settled, ...]:
        """See the port; shadow results settle nothing."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT audit.seq, inferences.id, inferences.status FROM audit"
                " JOIN results ON results.id = audit.entity_id"
                " JOIN inferences ON inferences.id = results.inference_id"
                " WHERE audit.seq > ? AND audit.action = ? AND results.shadow = 0"
                " AND inferences.user_id = ? ORDER BY audit.seq LIMIT ?",
                (after, AuditAction.RESULT_STORED, user_id, n_most),
            ).fetchall()
        return tuple(
            Settled(
                seq=row["seq"],
                inference_id=InferenceId(row["id"]),
                status=InferenceStatus(row["status"]),
            )
            for row in rows
        )

    def mark_shown(self, inference_id: InferenceId, *, at: datetime) -> None:
        """See the port."""
        with self._database.write(Unaudited.FIRST_SHOWN) as connection:
            connection.execute(
                "UPDATE inferences SET first_shown_at = ? WHERE id = ? AND first_shown_at IS NULL",
                (instant_text(at), inference_id),
            )

    def disagree(self, inference_id: InferenceId, *, at: datetime, audit: AuditEntry) -> None:
        """See the port."""
        if self.inference(inference_id).disagreed_at is not None:
            return
        with self._database.write(audit) as connection:
            connection.execute(
                "UPDATE inferences SET disagreed_at = ? WHERE id = ? AND disagreed_at IS NULL",
                (instant_text(at), inference_id),
            )

    def add_consent(
        self, inference_id: InferenceId, consent: Consent, *, audit: AuditEntry
    ) -> None:
        """See the port."""
        with self._database.write(audit) as connection:
            if _row(connection, inference_id) is None:
                raise InferenceNotFound(inference_id=inference_id)
            insert_consent(connection, inference_id, consent)
            connection.execute(
                "UPDATE inferences SET n_consents = n_consents + 1 WHERE id = ?", (inference_id,)
            )

    def consents(self, inference_id: InferenceId) -> tuple[Consent, ...]:
        """See the port."""
        with self._database.read() as connection:
            owner = _row(connection, inference_id)
            rows = connection.execute(
                "SELECT * FROM consents WHERE inference_id = ? ORDER BY seq", (inference_id,)
            ).fetchall()
        expected = owner["n_consents"] if owner else 0
        refuse_lost("consents", len(rows), expected=expected, owner=inference_id)
        return tuple(consent_of(row) for row in rows)

    def withdrawn(self) -> Iterator[tuple[Inference, Consent]]:
        """See the port."""
        with self._database.read() as connection:
            # A withdrawal is never the only consent.
            rows = connection.execute(
                "SELECT id FROM inferences WHERE n_consents <> 1 ORDER BY seq"
            ).fetchall()
        for row in rows:
            for last in self.consents(row["id"])[-1:]:
                if last.decision is ConsentDecision.WITHDRAWN:
                    yield self.inference(row["id"]), last

    def each(self, *, n_page: int = 500) -> Iterator[Inference]:
        """See the port."""
        last = 0
        while True:
            with self._database.read() as connection:
                rows = connection.execute(
                    "SELECT * FROM inferences WHERE seq > ? ORDER BY seq LIMIT ?", (last, n_page)
                ).fetchall()
                page = load_inferences(connection, rows)
            if not page:
                return
            yield from page
            last = rows[-1]["seq"]


def _is_here(connection: sqlite3.Connection, inference: Inference) -> bool:
    known = _row(connection, inference.id)
    if known is None:
        return False
    here = (known["user_id"], known["content_sha256"])
    if here != (inference.user_id, inference.content_sha256):
        raise ContentConflict(inference_id=inference.id)
    return True


def _row(connection: sqlite3.Connection, inference_id: InferenceId) -> sqlite3.Row | None:
    """Return the inference's own row, None if there is none. Raises RecordDamaged."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT * FROM inferences WHERE id = ?", (inference_id,)
    ).fetchone()
    return None if row is None else checked("inferences", row)


def _check_attachable(connection: sqlite3.Connection, inference: Inference) -> None:
    if inference.attachments and not inference.consent.decision.allows_recordings:
        raise ConsentRequired(inference_id=inference.id)
    ids = [attachment.recording_id for attachment in inference.attachments]
    asked = document_text(ids)
    here = connection.execute(
        "SELECT id FROM recordings WHERE id IN (SELECT value FROM json_each(?))", (asked,)
    )
    missing = tuple(sorted(set(ids) - {row["id"] for row in here}))
    if missing:
        raise RecordingsMissing(missing=missing)
    taken = connection.execute(
        "SELECT recording_id FROM attachments"
        " WHERE recording_id IN (SELECT value FROM json_each(?)) ORDER BY recording_id LIMIT 1",
        (asked,),
    ).fetchone()
    if taken is not None:
        raise ContentConflict(
            "Another inference has this recording.", recording_id=taken["recording_id"]
        )


def _settled(inference: Inference, results: Sequence[Result]) -> Inference:
    """Return the inference with the status a result that is already answered gives it."""
    for result in results:
        if not result.shadow and result.diagnosis is not None:
            failed = result.state is ResultState.ERROR
            status = InferenceStatus.ERROR if failed else InferenceStatus.COMPLETED
            return replace(
                inference, status=status, diagnosis=result.diagnosis, reason=result.reason
            )
    return inference
