"""In from a bundle: checked whole, tested on this box, made durable. Nothing is active by it."""

from __future__ import annotations

from pathlib import Path

from appliance.core.audit import AuditAction, AuditEntry, audited
from appliance.core.bundle import StagedBundle
from appliance.core.errors import BundleConflict, BundleOutdated, NameTaken
from appliance.core.ids import ModelVersionId
from appliance.core.model import Model, ModelVersion, VersionState
from appliance.ports import ModelRecords, ProtocolRecords, Stored
from appliance.usecases.models import ModelRoom, self_test
from appliance.usecases.protocols import parsed
from appliance.usecases.register_model import register_model


def install_bundle(source: Path, *, actor: str, room: ModelRoom) -> tuple[ModelVersion, Stored]:
    """Install a bundle: checked whole, its golden recordings scored here, then made durable.

    Installing the same bundle again changes nothing; one that was removed comes back under the
    id it had. Nothing is active by this.

    Raises:
        BundleUntrusted, BundleRefused, GraphRefused, GoldenMismatch, BundleOutdated,
        BundleConflict, FileMissing: and nothing is left of it.
    """
    staged = room.bundles.stage(
        source, trusted=room.keys.keys(), never_to_model=never_to_model(room.protocols)
    )
    try:
        _refuse_outdated(staged, room.models)
        _self_test_staged(staged, room)
        with room.bundles.one_at_a_time():
            room.bundles.install(staged)
            model = _model_of(staged, actor=actor, room=room)
            version = _version(staged, model, room)
            stored = room.models.add_version(version, audit=_installation(version, actor))
    finally:
        room.bundles.discard(staged)
    return room.models.version(_known_id(staged, room.models) or version.id), stored


def never_to_model(protocols: ProtocolRecords) -> frozenset[str]:
    """Return the fields that the installed protocols keep from every model."""
    return frozenset(
        field.name
        for installed in protocols.protocols()
        for field in parsed(installed).fields
        if field.never_to_model
    )


def _refuse_outdated(staged: StagedBundle, models: ModelRecords) -> None:
    """Refuse early what `add_version` would refuse, before anything is installed."""
    manifest = staged.manifest
    known = [v for v in models.versions() if v.model_name == manifest.name]
    others = [version for version in known if version.digest != staged.digest]
    if any(v.digest == staged.digest and v.state is not VersionState.REMOVED for v in known):
        return
    if any(version.version == manifest.version for version in others):
        raise BundleConflict(version=manifest.version)
    highest = max((version.sequence for version in others), default=0)
    if manifest.sequence <= highest:
        raise BundleOutdated(sequence=manifest.sequence, highest=highest)


def _self_test_staged(staged: StagedBundle, room: ModelRoom) -> None:
    """Test a bundle that is not installed yet; a graph loaded for this alone is unloaded."""
    contents = room.bundles.staged_contents(staged)
    was_loaded = contents.manifest.graph_sha256 in room.predictor.loaded()
    try:
        self_test(contents, predictor=room.predictor, timeout_s=room.golden_timeout_s)
    finally:
        if not was_loaded:
            room.predictor.unload(contents.manifest.graph_sha256)


def _model_of(staged: StagedBundle, *, actor: str, room: ModelRoom) -> Model:
    """Return the bundle's model; its first bundle makes it known."""
    name = staged.manifest.name
    known = _model_called(name, room.models)
    if known is not None:
        return known
    try:
        return register_model(
            name,
            f"{name}-topic",
            actor=actor,
            clock=room.clock,
            new_id=room.new_id,
            models=room.models,
        )
    except NameTaken:
        # Perhaps by another installation, a moment ago; else another model has the channel.
        known = _model_called(name, room.models)
        if known is None:
            raise
        return known


def _model_called(name: str, models: ModelRecords) -> Model | None:
    return next((model for model in models.models() if model.name == name), None)


def _installation(version: ModelVersion, actor: str) -> AuditEntry:
    return audited(
        AuditAction.MODEL_INSTALLED,
        version.id,
        at=version.installed_at,
        actor=actor,
        digest=version.digest,
        key=version.key_fingerprint,
    )


def _known_id(staged: StagedBundle, models: ModelRecords) -> ModelVersionId | None:
    """Return the id under which this very bundle is or once was installed."""
    found = (version.id for version in models.versions() if version.digest == staged.digest)
    return next(found, None)


def _version(staged: StagedBundle, model: Model, room: ModelRoom) -> ModelVersion:
    manifest = staged.manifest
    return ModelVersion(
        id=_known_id(staged, room.models) or ModelVersionId(room.new_id()),
        model_id=model.id,
        model_name=model.name,
        version=manifest.version,
        sequence=manifest.sequence,
        digest=staged.digest,
        graph_sha256=manifest.graph_sha256,
        manifest=staged.manifest_bytes,
        key_fingerprint=staged.key_fingerprint,
        demonstration=manifest.demonstration,
        t_low=manifest.t_low,
        t_high=manifest.t_high,
        state=VersionState.INSTALLED,
        installed_at=room.clock(),
    )
