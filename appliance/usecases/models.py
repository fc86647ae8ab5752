"""Model versions: in from a bundle, tested on this box, active, rolled back, removed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from appliance.core.audit import AuditAction, audited
from appliance.core.bundle import BundleContents
from appliance.core.errors import (
    ApplianceError,
    FieldError,
    GraphRefused,
    InvalidRequest,
    ModelNotFound,
)
from appliance.core.ids import ModelId
from appliance.core.model import Model, ModelVersion, VersionState
from appliance.ports import (
    BundleStore,
    Clock,
    KeyRecords,
    ModelRecords,
    NewId,
    Predictor,
    ProtocolRecords,
)
from appliance.usecases.golden import run_golden

GOLDEN_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRoom:
    """What installing and switching models works with.

    Attributes:
        golden_timeout_s: for each golden case: as long as a patient's run may take.
    """

    clock: Clock
    new_id: NewId
    models: ModelRecords
    keys: KeyRecords
    protocols: ProtocolRecords
    bundles: BundleStore
    predictor: Predictor
    golden_timeout_s: float = GOLDEN_TIMEOUT_S


def activate_version(
    version: ModelVersion, *, default: bool, actor: str, room: ModelRoom
) -> ModelVersion:
    """Make a version the active one of its model, after it repeated its golden results here.

    Raises:
        ModelUnavailable, GraphRefused, GoldenMismatch: the old version stays active.
        ModelNotFound: it was removed.
    """
    self_test(
        room.bundles.contents(version.digest),
        predictor=room.predictor,
        timeout_s=room.golden_timeout_s,
    )
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


def shadow_version(
    version: ModelVersion, *, end: bool, actor: str, room: ModelRoom
) -> ModelVersion:
    """Let a version score what comes from now on, unseen; or, to end that, score no more.

    Raises:
        ModelUnavailable, GraphRefused, GoldenMismatch: it does not repeat its golden results here.
        InvalidRequest: it is the active version.
    """
    if version.state is VersionState.ACTIVE:
        message = "it is active; first activate another version of the model"
        raise InvalidRequest(
            f"The version cannot run in the shadow: {message}.",
            errors=(FieldError(field="version", code="active", message=message),),
        )
    if not end:
        self_test(
            room.bundles.contents(version.digest),
            predictor=room.predictor,
            timeout_s=room.golden_timeout_s,
        )
    state = VersionState.INSTALLED if end else VersionState.SHADOW
    entry = audited(
        AuditAction.MODEL_SHADOWED, version.id, at=room.clock(), actor=actor, state=state.value
    )
    room.models.set_state(version.id, state, audit=entry)
    return room.models.version(version.id)


def remove_version(version: ModelVersion, *, actor: str, room: ModelRoom) -> None:
    """Take a version away; what it said stays.

    Raises:
        VersionPending: it is active, or results wait for it.
    """
    with room.bundles.one_at_a_time():
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
            contents = room.bundles.contents(version.digest)
            self_test(contents, predictor=room.predictor, timeout_s=room.golden_timeout_s)
        except ApplianceError as found:
            fault = found
        yield Verification(version=version, fault=fault)


SERVING = frozenset({VersionState.ACTIVE, VersionState.SHADOW})
"""States of versions that answer inferences."""


def load_active(*, room: ModelRoom) -> int:
    """Load and warm up the active and shadow versions, ahead of requests; return how many.

    A version that cannot be loaded is left: its results will say so.
    """
    n_loaded = 0
    for version in room.models.versions():
        if version.state not in SERVING:
            continue
        try:
            _load(version, room)
        except ApplianceError:
            continue
        n_loaded += 1
    return n_loaded


def unload_unneeded(*, room: ModelRoom) -> int:
    """Forget the sessions of versions that serve no more and no result waits for; return how many.

    The versions are read before the results that wait: what was accepted for a version in
    between is seen, and a run that has begun ends first.
    """
    loaded = room.predictor.loaded()
    versions = room.models.versions()
    awaited = room.models.awaited()
    needed = {v.graph_sha256 for v in versions if v.state in SERVING or v.id in awaited}
    for graph_sha256 in loaded - needed:
        room.predictor.unload(graph_sha256)
    return len(loaded - needed)


def _load(version: ModelVersion, room: ModelRoom) -> None:
    room.predictor.ensure_loaded(version.graph_sha256, lambda: room.bundles.graph(version.digest))


def self_test(
    contents: BundleContents, *, predictor: Predictor, timeout_s: float = GOLDEN_TIMEOUT_S
) -> float:
    """Score the golden recordings of a bundle on this very box; the graph stays loaded.

    Returns:
        The largest difference to an expected probability.

    Raises:
        GraphRefused, GoldenMismatch, PredictionFailed, PredictionTimeout.
    """
    if not contents.manifest.onnxruntime.includes(predictor.runtime_version()):
        raise GraphRefused("It was not made for this ONNX Runtime.", reason="runtime-version")
    predictor.ensure_loaded(contents.manifest.graph_sha256, lambda: contents.graph)
    return run_golden(contents, predictor=predictor, timeout_s=timeout_s)
