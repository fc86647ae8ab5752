"""Results as work: claimed under a lease, answered once, taken up again after a crash."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime
from functools import partial

from appliance.adapters.sqlite_records.chain import append_row
from appliance.adapters.sqlite_records.columns import document_text, instant_text
from appliance.adapters.sqlite_records.database import Database, Unaudited
from appliance.adapters.sqlite_records.results import result_of
from appliance.adapters.sqlite_records.seals import is_whole, reading_anything
from appliance.core.audit import AuditAction, AuditEntry, audited
from appliance.core.diagnosis import Diagnosis
from appliance.core.errors import PredictionPoisonous, RecordDamaged
from appliance.core.ids import ResultId
from appliance.core.inference import InferenceStatus
from appliance.core.result import CLOCK_SLACK, MAX_CRASHES_ALONE, Answer, Result, ResultState

_BACK = "state = 'queued', owner = NULL, claimed_at = NULL, lease_until = NULL"


class SqliteJobs:
    """Fills `appliance.ports.JobRecords`."""

    def __init__(self, database: Database) -> None:
        """Keep work in this database."""
        self._database = database
        self._just_begun = False

    def claim(
        self, result_id: ResultId | None, *, owner: str, now: datetime, lease_until: datetime
    ) -> Result | None:
        """See the port.

        While a suspect waits or runs, nothing but a suspect is given, even if another result
        is asked for by name: a busy box could otherwise keep it waiting for ever. Who gets
        None for a named result should ask for the next one.
        """
        with self._database.write(Unaudited.CLAIM) as connection:
            while (
                chosen := _to_give(connection, result_id, none_crashed_alone=self._just_begun)
            ) is not None:
                connection.execute(
                    "UPDATE results SET state = 'running', attempts = attempts + 1, owner = ?,"
                    " claimed_at = ?, lease_until = ? WHERE id = ?",
                    (owner, instant_text(now), instant_text(lease_until), chosen),
                )
                row = connection.execute("SELECT * FROM results WHERE id = ?", (chosen,)).fetchone()
                try:
                    return result_of(connection, row)
                except RecordDamaged as fault:
                    # Its model or version: nothing can be computed, and others wait behind it.
                    _give_up(connection, row, fault.code, owner=owner, now=now)
            return None

    def complete(
        self, result_id: ResultId, answer: Answer, *, owner: str, at: datetime, audit: AuditEntry
    ) -> bool:
        """See the port."""
        with self._database.write(audit) as connection:
            claimed = connection.execute(
                "SELECT * FROM results WHERE id = ? AND state = 'running' AND owner = ?",
                (result_id, owner),
            ).fetchone()
            if claimed is None or not is_whole("results", claimed):
                return False
            _answer(connection, result_id, answer, at=at)
            return True

    def release(self, *, owner: str, result_id: ResultId | None = None) -> int:
        """See the port."""
        with self._database.write(Unaudited.CLAIM) as connection:
            return connection.execute(
                f"UPDATE results SET {_BACK}, attempts = attempts - 1"  # noqa: S608 - a constant
                " WHERE state = 'running' AND owner = ? AND id = coalesce(?, id)",
                (owner, result_id),
            ).rowcount

    def reconcile(self, *, owner: str, now: datetime, starting: bool) -> tuple[ResultId, ...]:
        """See the port; each result given up leaves an audit row naming the owner."""
        self._just_begun = starting
        with self._database.write(Unaudited.CLAIM) as connection:
            if starting:
                _give_up_poison(connection, owner=owner, now=now)
                connection.execute(
                    f"UPDATE results SET {_BACK}, crashes_alone = crashes_alone + suspect,"  # noqa: S608
                    " suspect = 1 WHERE state = 'running'"
                )
            else:
                connection.execute(
                    f"UPDATE results SET {_BACK} WHERE state = 'running'"  # noqa: S608 - a constant
                    " AND (lease_until < ? OR claimed_at > ?)",
                    (instant_text(now), instant_text(now + CLOCK_SLACK)),
                )
            queued = _whole(connection, "state = 'queued' ORDER BY suspect DESC, seq")
            return tuple(ResultId(row["id"]) for row in queued)

    def counts(self) -> Mapping[str, int]:
        """See the port; states without a result are 0."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT state, count(*) AS n FROM results GROUP BY state")
            found = {row["state"]: row["n"] for row in rows}
        return {state.value: found.get(state.value, 0) for state in ResultState}


def _to_give(
    connection: sqlite3.Connection, result_id: ResultId | None, *, none_crashed_alone: bool
) -> ResultId | None:
    """Return the result that may be claimed now, if it is the one asked for.

    One whose row is damaged is never given, and holds up no other.
    """
    first = partial(_first_whole, connection, none_crashed_alone=none_crashed_alone)
    suspect = first(None, suspect=True)
    running = _whole(connection, "state = 'running'")
    if any(row["suspect"] for row in running) or (suspect is not None and running):
        return None
    return first(result_id, suspect=suspect is not None)


def _first_whole(
    connection: sqlite3.Connection,
    result_id: ResultId | None,
    *,
    suspect: bool,
    none_crashed_alone: bool,
) -> ResultId | None:
    """Return the first queued result of that kind, or the one asked for, that is undamaged."""
    with reading_anything(connection):
        rows = connection.execute(
            "SELECT * FROM results WHERE state = 'queued' AND suspect = ?1"
            " AND (?2 IS NULL OR id = ?2) AND (crashes_alone = 0 OR NOT ?3) ORDER BY shadow, seq",
            (suspect, result_id, none_crashed_alone),
        )
        whole = (ResultId(row["id"]) for row in rows if is_whole("results", row))
        return next((found for found in whole if _is_found_again(connection, found)), None)


def _whole(connection: sqlite3.Connection, condition: str) -> list[sqlite3.Row]:
    """Return the undamaged results of which this holds: what is damaged holds up no other."""
    with reading_anything(connection):
        rows = connection.execute(f"SELECT * FROM results WHERE {condition}")  # noqa: S608 - ours
        return [row for row in rows if is_whole("results", row)]


def _is_found_again(connection: sqlite3.Connection, result_id: ResultId) -> bool:
    """Return whether a result is found by its id: its answer could not be stored otherwise."""
    row = connection.execute("SELECT 1 FROM results WHERE id = ?", (result_id,))
    return row.fetchone() is not None


def _answer(
    connection: sqlite3.Connection, result_id: ResultId, answer: Answer, *, at: datetime
) -> None:
    """Write the answer of a running result, and the inference's status unless a shadow."""
    connection.execute(
        "UPDATE results SET state = ?, owner = NULL, claimed_at = NULL, lease_until = NULL,"
        " output = ?, probability = ?, diagnosis = ?, reason = ?, reason_subject = ?,"
        " error_code = ?, computed_at = ?, latency_ms = ? WHERE id = ?",
        (
            answer.state,
            document_text(answer.output),
            answer.probability,
            answer.diagnosis,
            answer.reason,
            answer.reason_subject,
            answer.error_code,
            instant_text(at),
            answer.latency_ms,
            result_id,
        ),
    )
    inference = connection.execute(
        "SELECT * FROM inferences WHERE id ="
        " (SELECT inference_id FROM results WHERE id = ? AND shadow = 0)",
        (result_id,),
    ).fetchone()
    # A damaged one stays as it is, and keeps nobody from the result's own answer.
    if inference is not None and is_whole("inferences", inference):
        failed = answer.state is ResultState.ERROR
        status = InferenceStatus.ERROR if failed else InferenceStatus.COMPLETED
        connection.execute(
            "UPDATE inferences SET status = ?, diagnosis = ?, reason = ? WHERE id = ?",
            (status, answer.diagnosis, answer.reason, inference["id"]),
        )


def _give_up_poison(connection: sqlite3.Connection, *, owner: str, now: datetime) -> None:
    """Make an error of every result whose run, alone, ended the process too often."""
    suspects = _whole(connection, "state = 'running' AND suspect = 1 ORDER BY seq")
    for row in (one for one in suspects if one["crashes_alone"] + 1 >= MAX_CRASHES_ALONE):
        connection.execute(
            "UPDATE results SET crashes_alone = crashes_alone + 1 WHERE id = ?", (row["id"],)
        )
        _give_up(connection, row, PredictionPoisonous.code, owner=owner, now=now)


def _give_up(
    connection: sqlite3.Connection, row: sqlite3.Row, code: str, *, owner: str, now: datetime
) -> None:
    """Answer a running result with an error, and audit that."""
    answer = Answer(diagnosis=Diagnosis.INCONCLUSIVE, error_code=code, latency_ms=0.0)
    _answer(connection, row["id"], answer, at=now)
    entry = audited(
        AuditAction.RESULT_STORED,
        row["id"],
        at=now,
        actor="box",
        inference_id=row["inference_id"],
        state=answer.state.value,
        error_code=answer.error_code,
        owner=owner,
    )
    append_row(connection, entry)
