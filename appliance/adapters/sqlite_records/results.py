"""A result as a row; what belongs to its model version is read from there."""

from __future__ import annotations

import json
import sqlite3

from appliance.adapters.sqlite_records.columns import (
    document_text,
    optional_instant,
    optional_instant_text,
)
from appliance.adapters.sqlite_records.seals import checked
from appliance.core.diagnosis import Diagnosis, Reason
from appliance.core.errors import RecordDamaged
from appliance.core.result import Result, ResultState


def insert_result(connection: sqlite3.Connection, result: Result) -> None:
    """Store a result that waits or is already answered."""
    connection.execute(
        "INSERT INTO results (id, inference_id, model_id, model_version_id, shadow, state,"
        " attempts, output, probability, diagnosis, reason, reason_subject, error_code,"
        " computed_at, latency_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            result.id,
            result.inference_id,
            result.model_id,
            result.model_version_id,
            result.shadow,
            result.state,
            result.attempts,
            document_text(result.output),
            result.probability,
            result.diagnosis,
            result.reason,
            result.reason_subject,
            result.error_code,
            optional_instant_text(result.computed_at),
            result.latency_ms,
        ),
    )


def result_of(connection: sqlite3.Connection, row: sqlite3.Row) -> Result:
    """Return a row of `results` as a value, with what its model and version say.

    Raises:
        RecordDamaged: the result, its model or its version is not as it was written.
    """
    checked("results", row)
    model = _named(connection, "models", row["model_id"])
    named = row["model_version_id"]
    version = {} if named is None else dict(_named(connection, "model_versions", named))
    return Result(
        id=row["id"],
        inference_id=row["inference_id"],
        model_id=row["model_id"],
        model_name=model["name"],
        model_version_id=row["model_version_id"],
        model_version=version.get("version"),
        graph_sha256=version.get("graph_sha256"),
        t_low=version.get("t_low"),
        t_high=version.get("t_high"),
        demonstration=bool(version.get("demonstration")),
        shadow=bool(row["shadow"]),
        state=ResultState(row["state"]),
        attempts=row["attempts"],
        output=tuple(json.loads(row["output"])),
        probability=row["probability"],
        diagnosis=Diagnosis(row["diagnosis"]) if row["diagnosis"] else None,
        reason=Reason(row["reason"]) if row["reason"] else None,
        reason_subject=row["reason_subject"],
        error_code=row["error_code"],
        computed_at=optional_instant(row["computed_at"]),
        latency_ms=row["latency_ms"],
    )


def _named(connection: sqlite3.Connection, table: str, record_id: str) -> sqlite3.Row:
    """Return the row that a foreign key names. Raises RecordDamaged."""
    # The tables are those named above.
    row = connection.execute(
        f"SELECT * FROM {table} WHERE id = ?",  # noqa: S608
        (record_id,),
    ).fetchone()
    if row is None:
        raise RecordDamaged(table=table)
    return checked(table, row)
