"""Models and versions as rows, each held against its seal."""

from __future__ import annotations

import sqlite3

from appliance.adapters.sqlite_records.columns import instant
from appliance.adapters.sqlite_records.seals import (
    all_checked,
    checked,
    is_whole,
    reading_anything,
)
from appliance.core.errors import ModelNotFound, RecordDamaged
from appliance.core.ids import ModelId, ModelVersionId
from appliance.core.model import Model, ModelVersion, VersionState


def model_of(connection: sqlite3.Connection, row: sqlite3.Row) -> Model:
    """Return a row of `models` as a value, with its active version. Raises RecordDamaged."""
    checked("models", row)
    versions = versions_that_serve(connection, row["id"])
    active = next((version for version in versions if version["state"] == "active"), None)
    return Model(
        id=row["id"],
        name=row["name"],
        publishing_channel=row["publishing_channel"],
        is_default=bool(row["is_default"]),
        ever_installed=bool(versions),
        active=None if active is None else version_of(connection, active),
        created_at=instant(row["created_at"]),
    )


def all_versions(connection: sqlite3.Connection, model_id: ModelId | None) -> list[sqlite3.Row]:
    """Return the rows of a model's versions, or of all.

    All are read: an index may be damaged where the rows are not, and so may what is asked for.
    """
    rows = connection.execute("SELECT * FROM model_versions NOT INDEXED")
    whole = all_checked("model_versions", rows)
    return [row for row in whole if model_id in (None, row["model_id"])]


def versions_that_serve(connection: sqlite3.Connection, model_id: ModelId) -> list[sqlite3.Row]:
    """Return the undamaged rows of a model's versions.

    What was removed, or only lies there, is read by nobody: its damage holds up no work.

    Raises:
        RecordDamaged: none of them is active, and a damaged one may have been.
    """
    with reading_anything(connection):
        rows = connection.execute("SELECT * FROM model_versions NOT INDEXED").fetchall()
    whole = [row for row in rows if is_whole("model_versions", row)]
    own = [row for row in whole if row["model_id"] == model_id]
    if len(whole) < len(rows) and not any(row["state"] == "active" for row in own):
        raise RecordDamaged(table="model_versions", record=model_id)
    return own


def version_named(connection: sqlite3.Connection, version_id: ModelVersionId) -> ModelVersion:
    """Return the version. Raises ModelNotFound, RecordDamaged."""
    row = connection.execute("SELECT * FROM model_versions WHERE id = ?", (version_id,)).fetchone()
    if row is None:
        raise ModelNotFound(model_version_id=version_id)
    return version_of(connection, row)


def version_of(connection: sqlite3.Connection, row: sqlite3.Row) -> ModelVersion:
    """Return a row of `model_versions` as a value, with its model's name. Raises RecordDamaged."""
    checked("model_versions", row)
    model = connection.execute(
        "SELECT * FROM models NOT INDEXED WHERE id = ?", (row["model_id"],)
    ).fetchone()
    if model is None:
        raise RecordDamaged(table="models")
    return ModelVersion(
        id=row["id"],
        model_id=row["model_id"],
        model_name=checked("models", model)["name"],
        version=row["version"],
        sequence=row["sequence"],
        digest=row["digest"],
        graph_sha256=row["graph_sha256"],
        manifest=row["manifest"],
        key_fingerprint=row["key_fingerprint"],
        demonstration=bool(row["demonstration"]),
        t_low=row["t_low"],
        t_high=row["t_high"],
        state=VersionState(row["state"]),
        installed_at=instant(row["installed_at"]),
    )
