"""Models, their versions, and which of them is active."""

from __future__ import annotations

import sqlite3

from appliance.adapters.sqlite_records.columns import instant_text
from appliance.adapters.sqlite_records.database import Database
from appliance.adapters.sqlite_records.model_rows import (
    all_versions,
    model_of,
    version_named,
    version_of,
)
from appliance.adapters.sqlite_records.seals import all_checked
from appliance.core.audit import AuditEntry
from appliance.core.errors import (
    BundleConflict,
    BundleOutdated,
    ModelNotFound,
    NameTaken,
    NothingToRollBack,
    VersionPending,
)
from appliance.core.ids import ModelId, ModelVersionId
from appliance.core.model import Model, ModelVersion, VersionState, versions_before
from appliance.ports import Stored


class SqliteModels:
    """Fills `appliance.ports.ModelRecords`."""

    def __init__(self, database: Database) -> None:
        """Keep models in this database."""
        self._database = database

    def add_model(self, model: Model, *, audit: AuditEntry) -> None:
        """See the port; a model that waits is never the default."""
        with self._database.write(audit) as connection:
            taken = connection.execute(
                "SELECT 1 FROM models WHERE name = ? OR publishing_channel = ?",
                (model.name, model.publishing_channel),
            )
            if taken.fetchone():
                raise NameTaken
            connection.execute(
                "INSERT INTO models (id, name, publishing_channel, is_default, created_at)"
                " VALUES (?, ?, ?, 0, ?)",
                (model.id, model.name, model.publishing_channel, instant_text(model.created_at)),
            )

    def models(self) -> tuple[Model, ...]:
        """See the port."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM models NOT INDEXED ORDER BY is_default DESC, name"
            )
            return tuple(model_of(connection, row) for row in rows)

    def model(self, model_id: ModelId) -> Model:
        """See the port."""
        return self._one("SELECT * FROM models WHERE id = ?", model_id)

    def model_named(self, name: str) -> Model:
        """See the port."""
        return self._one("SELECT * FROM models WHERE name = ?", name)

    def add_version(self, version: ModelVersion, *, audit: AuditEntry) -> Stored:
        """See the port; it is `installed` whatever state it says, and ModelNotFound.

        The newest version may come back after its removal: then it is NEW again, under the id
        it had. Callers find that id by the digest.
        """
        with self._database.write(audit) as connection:
            _check_model(connection, version.model_id)
            known = connection.execute(
                "SELECT * FROM model_versions WHERE model_id = ? AND version = ?",
                (version.model_id, version.version),
            ).fetchone()
            if known is not None and known["digest"] != version.digest:
                raise BundleConflict(model_version=version.version)
            if known is not None and known["state"] != VersionState.REMOVED:
                return Stored.SAME
            _refuse_outdated(connection, version, again=known is not None)
            if known is not None:
                _set_state(connection, known["id"], VersionState.INSTALLED)
            else:
                _insert_version(connection, version)
            return Stored.NEW

    def versions(self, model_id: ModelId | None = None) -> tuple[ModelVersion, ...]:
        """See the port."""
        with self._database.read() as connection:
            found = [version_of(connection, row) for row in all_versions(connection, model_id)]
        return tuple(sorted(found, key=lambda version: (version.model_name, version.sequence)))

    def version(self, version_id: ModelVersionId) -> ModelVersion:
        """See the port."""
        with self._database.read() as connection:
            return version_named(connection, version_id)

    def awaited(self) -> frozenset[ModelVersionId]:
        """See the port."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT DISTINCT model_version_id AS id FROM results"
                " WHERE state IN ('queued', 'running') AND model_version_id IS NOT NULL"
            )
            return frozenset(row["id"] for row in rows)

    def activate(self, version_id: ModelVersionId, *, default: bool, audit: AuditEntry) -> None:
        """See the port; the activation is as old as its audit row."""
        with self._database.write(audit) as connection:
            version = version_named(connection, version_id)
            if version.state is VersionState.REMOVED:
                raise ModelNotFound(model_version_id=version_id)
            connection.execute(
                "UPDATE model_versions SET state = 'installed'"
                " WHERE model_id = ? AND state = 'active'",
                (version.model_id,),
            )
            _set_state(connection, version_id, VersionState.ACTIVE)
            connection.execute(
                "INSERT INTO activations (model_id, model_version_id, at) VALUES (?, ?, ?)",
                (version.model_id, version_id, instant_text(audit.at)),
            )
            if default or _default(connection) is None:
                connection.execute("UPDATE models SET is_default = 0 WHERE is_default = 1")
                connection.execute(
                    "UPDATE models SET is_default = 1 WHERE id = ?", (version.model_id,)
                )

    def previous_active(self, model_id: ModelId) -> ModelVersion:
        """See the port and `versions_before`; ModelNotFound."""
        with self._database.read() as connection:
            _check_model(connection, model_id)
            rows = connection.execute(
                "SELECT * FROM activations WHERE model_id = ? ORDER BY seq", (model_id,)
            )
            activated = [row["model_version_id"] for row in all_checked("activations", rows)]
            for version_id in versions_before(activated):
                version = version_named(connection, version_id)
                if version.state in {VersionState.INSTALLED, VersionState.SHADOW}:
                    return version
        raise NothingToRollBack(model_id=model_id)

    def set_state(
        self, version_id: ModelVersionId, state: VersionState, *, audit: AuditEntry
    ) -> None:
        """See the port; a removed version comes back by `add_version` alone.

        Raises:
            ValueError: asked for `active`, which is what `activate` is for.
        """
        if state is VersionState.ACTIVE:
            raise ValueError(state)
        with self._database.write(audit) as connection:
            version = version_named(connection, version_id)
            if version.state is state:
                return
            if version.state is VersionState.REMOVED:
                raise ModelNotFound(model_version_id=version_id)
            if state is VersionState.REMOVED:
                _refuse_in_use(connection, version)
            _set_state(connection, version_id, state)

    def _one(self, sql: str, key: str) -> Model:
        with self._database.read() as connection:
            row = connection.execute(sql, (key,)).fetchone()
            if row is None:
                raise ModelNotFound
            return model_of(connection, row)


def _default(connection: sqlite3.Connection) -> ModelId | None:
    row = connection.execute("SELECT id FROM models WHERE is_default = 1").fetchone()
    return None if row is None else ModelId(row["id"])


def _check_model(connection: sqlite3.Connection, model_id: ModelId) -> None:
    here = connection.execute("SELECT 1 FROM models WHERE id = ?", (model_id,))
    if here.fetchone() is None:
        raise ModelNotFound(model_id=model_id)


def _highest_sequence(connection: sqlite3.Connection, model_id: ModelId) -> int | None:
    return max((row["sequence"] for row in all_versions(connection, model_id)), default=None)


def _refuse_outdated(connection: sqlite3.Connection, version: ModelVersion, *, again: bool) -> None:
    highest = _highest_sequence(connection, version.model_id)
    if highest is None or version.sequence > highest or (again and version.sequence == highest):
        return
    raise BundleOutdated(sequence=version.sequence, highest_sequence=highest)


def _insert_version(connection: sqlite3.Connection, version: ModelVersion) -> None:
    connection.execute(
        "INSERT INTO model_versions (id, model_id, version, sequence, digest, graph_sha256,"
        " manifest, key_fingerprint, demonstration, t_low, t_high, state, installed_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'installed', ?)",
        (
            version.id,
            version.model_id,
            version.version,
            version.sequence,
            version.digest,
            version.graph_sha256,
            version.manifest,
            version.key_fingerprint,
            version.demonstration,
            version.t_low,
            version.t_high,
            instant_text(version.installed_at),
        ),
    )


def _set_state(
    connection: sqlite3.Connection, version_id: ModelVersionId, state: VersionState
) -> None:
    connection.execute("UPDATE model_versions SET state = ? WHERE id = ?", (state, version_id))


def _refuse_in_use(connection: sqlite3.Connection, version: ModelVersion) -> None:
    waiting = connection.execute(
        "SELECT count(*) AS n FROM results WHERE model_version_id = ?"
        " AND state IN ('queued', 'running')",
        (version.id,),
    ).fetchone()
    if version.state is VersionState.ACTIVE or waiting["n"]:
        raise VersionPending(model_version_id=version.id, n_waiting=waiting["n"])
