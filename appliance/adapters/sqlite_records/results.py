"""A result as a row; what belongs to its model version is read from there."""

from __future__ import annotations

import json
import sqlite3

from appliance.adapters.sqlite_records.columns import (
    document_text,
    optional_instant,
    optional_instant_text,
)
from appliance.core.diagnosis import Diagnosis, Reason
from appliance.core.result import Result, ResultState

SELECT_RESULTS = (
    "SELECT results.*, models.name AS model_name, version, graph_sha256, t_low, t_high,"
    " demonstration FROM results JOIN models ON models.id = results.model_id"
    " LEFT JOIN model_versions ON model_versions.id = results.model_version_id"
)


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


def result_of(row: sqlite3.Row) -> Result:
    """Return a row of `SELECT_RESULTS` as a value."""
    return Result(
        id=row["id"],
        inference_id=row["inference_id"],
        model_id=row["model_id"],
        model_name=row["model_name"],
        model_version_id=row["model_version_id"],
        model_version=row["version"],
        graph_sha256=row["graph_sha256"],
        t_low=row["t_low"],
        t_high=row["t_high"],
        demonstration=bool(row["demonstration"]),
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
