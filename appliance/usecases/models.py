"""Model versions: in from a bundle, tested on this box, active, rolled back, removed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from appliance.core.audit import AuditAction, AuditEntry, audited
from appliance.core.bundle import StagedBundle
from appliance.core.errors import (
    ApplianceError,
    BundleConflict,
    BundleOutdated,
    GraphRefused,
    ModelNotFound,
)
from appliance.core.ids import ModelId, ModelVersionId
from appliance.core.model import Model, ModelVersion, VersionState
from appliance.ports import (
    BundleStore,
    Clock,
    KeyRecords,
    ModelRecords,
    NewId,
    Predictor,
    ProtocolRecords,
    Stored,
)
from appliance.usecases.golden import run_golden
from appliance.usecases.protocols import parsed
from appliance.usecases.register_model import register_model

GOLDEN_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRoom:
    """What installing and switching models works with."""

    clock: Clock
    new_id: NewId
    models: ModelRecords
    keys: KeyRecords
    protocols: ProtocolRecords
    bundles: BundleStore
    predictor: Predictor


def install_bundle(source: Path, *, actor: str, room: ModelRoom) -> tuple[ModelVersion, Stored]:
    """Install a bundle: checked whole, its golden recordings scored here, then made durable.

    Installing the same bundle again changes nothing. Nothing is active by this.

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
        room.bundles.install(staged)
    finally:
        room.bundles.discard(staged)
    model = _model_of(staged, actor=actor, room=room)
    version = _version(staged, model, room)
    stored = room.models.add_version(version, audit=_installation(version, actor))
    if stored is Stored.NEW:
        return version, stored
    return _brought_back(_installed(staged, room.models), actor=actor, room=room), stored


def never_to_model(protocols: ProtocolRecords) -> frozenset[str]:
    """Return the fields that the installed protocols keep from every model."""
    return frozenset(
        field.name
        for installed in protocols.protocols()
        for field in parsed(installed).fields
        if field.never_to_model
    )


def activate_version(
    version: ModelVersion, *, default: bool, actor: str, room: ModelRoom
) -> ModelVersion:
    """Make a version the active one of its model, after it repeated its golden results here.

    Raises:
        ModelUnavailable, GraphRefused, GoldenMismatch: the old version stays active.
        ModelNotFound: it was removed.
    """
    _self_test(version, room)
    room.models.activate(
        version.id,
        default=default,
        audit=audited(
            AuditAction.MODEL_ACTIVATED,
            version.id,
            at=room.clock(),
            actor=actor,
            graph_sha256=version.graph_sha256,
        ),
    )
    return room.models.version(version.id)


def roll_back(model: Model, *, actor: str, room: ModelRoom) -> ModelVersion:
    """Make the version that was active before active again.

    It was tested when it was first activated, so that this takes no time in an emergency.

    Raises:
        NothingToRollBack.
    """
    version = room.models.previous_active(model.id)
    room.models.activate(
        version.id,
        default=model.is_default,
        audit=audited(
            AuditAction.MODEL_ROLLED_BACK,
            version.id,
            at=room.clock(),
            actor=actor,
            graph_sha256=version.graph_sha256,
        ),
    )
    return room.models.version(version.id)


def remove_version(version: ModelVersion, *, actor: str, room: ModelRoom) -> None:
    """Take a version away; what it said stays.

    Raises:
        VersionPending: it is active, or results wait for it.
    """
    room.models.set_state(
        version.id,
        VersionState.REMOVED,
        audit=audited(AuditAction.MODEL_REMOVED, version.id, at=room.clock(), actor=actor),
    )
    room.bundles.remove(version.digest)


def find_version(name: str, *, models: ModelRecords) -> ModelVersion:
    """Return the version written as `NAME@VERSION`, or the newest installed one of `NAME`.

    Raises:
        ModelNotFound: there is none, or it was removed.
    """
    model_name, _, wanted = name.partition("@")
    found = [
        version
        for version in models.versions(models.model_named(model_name).id)
        if version.state is not VersionState.REMOVED and wanted in {"", version.version}
    ]
    if not found:
        raise ModelNotFound("No such version is installed.", name=model_name)
    return found[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Whether an installed version is whole and repeats its golden results here.

    Attributes:
        fault: what is wrong with it; None when all is well.
    """

    version: ModelVersion
    fault: ApplianceError | None


def verify_versions(model_id: ModelId | None, *, room: ModelRoom) -> Iterator[Verification]:
    """Yield the verification of each installed version, one after the other."""
    for version in room.models.versions(model_id):
        if version.state is VersionState.REMOVED:
            continue
        fault = None
        try:
            _self_test(version, room)
        except ApplianceError as found:
            fault = found
        yield Verification(version=version, fault=fault)


def load_active(*, room: ModelRoom) -> int:
    """Load and warm up the active and shadow versions, ahead of requests; return how many.

    A version that cannot be loaded is left: its results will say so.
    """
    n_loaded = 0
    for version in room.models.versions():
        if version.state not in {VersionState.ACTIVE, VersionState.SHADOW}:
            continue
        try:
            _load(version, room)
        except ApplianceError:
            continue
        n_loaded += 1
    return n_loaded


def _load(version: ModelVersion, room: ModelRoom) -> None:
    room.predictor.ensure_loaded(version.graph_sha256, lambda: room.bundles.graph(version.digest))


def _refuse_outdated(staged: StagedBundle, models: ModelRecords) -> None:
    """Refuse early what `add_version` would refuse, before anything is installed."""
    manifest = staged.manifest
    known = [v for v in models.versions() if v.model_name == manifest.name]
    if any(version.digest == staged.digest for version in known):
        return
    if any(version.version == manifest.version for version in known):
        raise BundleConflict(version=manifest.version)
    highest = max((version.sequence for version in known), default=0)
    if manifest.sequence <= highest:
        raise BundleOutdated(sequence=manifest.sequence, highest=highest)


def _self_test_staged(staged: StagedBundle, room: ModelRoom) -> None:
    """Score the golden recordings of a bundle that is not installed yet."""
    contents = room.bundles.staged_contents(staged)
    was_loaded = contents.manifest.graph_sha256 in room.predictor.loaded()
    _refuse_runtime(contents.manifest.onnxruntime.includes(room.predictor.runtime_version()))
    room.predictor.ensure_loaded(contents.manifest.graph_sha256, lambda: contents.graph)
    try:
        run_golden(contents, predictor=room.predictor, timeout_s=GOLDEN_TIMEOUT_S)
    finally:
        if not was_loaded:
            room.predictor.unload(contents.manifest.graph_sha256)


def _self_test(version: ModelVersion, room: ModelRoom) -> None:
    """Score the golden recordings of an installed version, every hash checked anew."""
    contents = room.bundles.contents(version.digest)
    _refuse_runtime(contents.manifest.onnxruntime.includes(room.predictor.runtime_version()))
    room.predictor.ensure_loaded(version.graph_sha256, lambda: contents.graph)
    run_golden(contents, predictor=room.predictor, timeout_s=GOLDEN_TIMEOUT_S)


def _refuse_runtime(included: bool) -> None:  # noqa: FBT001 - the one thing it looks at
    if not included:
        raise GraphRefused("It was not made for this ONNX Runtime.", reason="runtime-version")


def _model_of(staged: StagedBundle, *, actor: str, room: ModelRoom) -> Model:
    """Return the bundle's model; its first bundle makes it known."""
    name = staged.manifest.name
    try:
        return room.models.model_named(name)
    except ModelNotFound:
        return register_model(
            name,
            f"{name}-topic",
            actor=actor,
            clock=room.clock,
            new_id=room.new_id,
            models=room.models,
        )


def _installation(version: ModelVersion, actor: str) -> AuditEntry:
    return audited(
        AuditAction.MODEL_INSTALLED,
        version.id,
        at=version.installed_at,
        actor=actor,
        digest=version.digest,
        key=version.key_fingerprint,
    )


def _brought_back(version: ModelVersion, *, actor: str, room: ModelRoom) -> ModelVersion:
    """Return a version that was here; one that had been removed is installed again."""
    if version.state is VersionState.REMOVED:
        entry = replace(_installation(version, actor), at=room.clock())
        room.models.set_state(version.id, VersionState.INSTALLED, audit=entry)
    return room.models.version(version.id)


def _installed(staged: StagedBundle, models: ModelRecords) -> ModelVersion:
    return next(version for version in models.versions() if version.digest == staged.digest)


def _version(staged: StagedBundle, model: Model, room: ModelRoom) -> ModelVersion:
    manifest = staged.manifest
    return ModelVersion(
        id=ModelVersionId(room.new_id()),
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
