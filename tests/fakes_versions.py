"""Models and their versions in memory."""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter

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
from appliance.core.result import ResultState
from appliance.ports import Stored
from tests.fakes_audit import FakeAudit
from tests.fakes_jobs import FakeJobs

_WAITING = {ResultState.QUEUED, ResultState.RUNNING}


class FakeModels:
    """Models and their versions in memory."""

    def __init__(self, audit: FakeAudit, jobs: FakeJobs) -> None:
        """Begin without models."""
        self._audit = audit
        self._jobs = jobs
        self._models: dict[ModelId, Model] = {}
        self._versions: dict[ModelVersionId, ModelVersion] = {}
        self._activations: list[ModelVersionId] = []

    def add_model(self, model: Model, *, audit: AuditEntry) -> None:
        """See the port."""
        with self._audit.write(audit):
            for known in self._models.values():
                same_channel = known.publishing_channel == model.publishing_channel
                if known.name == model.name or same_channel:
                    raise NameTaken
            self._models[model.id] = replace(model, is_default=False)

    def models(self) -> tuple[Model, ...]:
        """See the port."""
        known = [self.model(model_id) for model_id in self._models]
        return tuple(sorted(known, key=lambda model: (not model.is_default, model.name)))

    def model(self, model_id: ModelId) -> Model:
        """See the port."""
        if model_id not in self._models:
            raise ModelNotFound(model_id=model_id)
        versions = self.versions(model_id)
        active = next((v for v in versions if v.state is VersionState.ACTIVE), None)
        return replace(self._models[model_id], active=active, ever_installed=bool(versions))

    def model_named(self, name: str) -> Model:
        """See the port."""
        for model in self.models():
            if model.name == name:
                return model
        raise ModelNotFound

    def add_version(self, version: ModelVersion, *, audit: AuditEntry) -> Stored:
        """See the port."""
        self.model(version.model_id)
        versions = self.versions(version.model_id)
        known = next((v for v in versions if v.version == version.version), None)
        if known is not None and known.digest != version.digest:
            raise BundleConflict(model_version=version.version)
        if known is not None and known.state is not VersionState.REMOVED:
            return Stored.SAME
        newer = [v for v in versions if v.sequence >= version.sequence and v is not known]
        if newer:
            raise BundleOutdated(sequence=version.sequence)
        kept = replace(known or version, state=VersionState.INSTALLED)
        with self._audit.write(audit):
            self._versions[kept.id] = kept
        return Stored.NEW

    def versions(self, model_id: ModelId | None = None) -> tuple[ModelVersion, ...]:
        """See the port."""
        asked = [v for v in self._versions.values() if model_id in {None, v.model_id}]
        return tuple(sorted(asked, key=attrgetter("model_name", "sequence")))

    def version(self, version_id: ModelVersionId) -> ModelVersion:
        """See the port."""
        if version_id not in self._versions:
            raise ModelNotFound(model_version_id=version_id)
        return self._versions[version_id]

    def awaited(self) -> frozenset[ModelVersionId]:
        """See the port."""
        waiting = [r for r in self._jobs.results.values() if r.state in _WAITING]
        return frozenset(r.model_version_id for r in waiting if r.model_version_id)

    def activate(self, version_id: ModelVersionId, *, default: bool, audit: AuditEntry) -> None:
        """See the port."""
        version = self.version(version_id)
        if version.state is VersionState.REMOVED:
            raise ModelNotFound(model_version_id=version_id)
        with self._audit.write(audit):
            former = self.model(version.model_id).active
            if former is not None:
                self._set_state(former.id, VersionState.INSTALLED)
            self._set_state(version_id, VersionState.ACTIVE)
            self._activations.append(version_id)
            if default or not any(model.is_default for model in self._models.values()):
                for model in self._models.values():
                    is_default = model.id == version.model_id
                    self._models[model.id] = replace(model, is_default=is_default)

    def previous_active(self, model_id: ModelId) -> ModelVersion:
        """See the port."""
        self.model(model_id)
        activations = [a for a in self._activations if self.version(a).model_id == model_id]
        for version_id in versions_before(activations):
            version = self.version(version_id)
            if version.state in {VersionState.INSTALLED, VersionState.SHADOW}:
                return version
        raise NothingToRollBack(model_id=model_id)

    def set_state(
        self, version_id: ModelVersionId, state: VersionState, *, audit: AuditEntry
    ) -> None:
        """See the port."""
        if state is VersionState.ACTIVE:
            raise ValueError(state)
        version = self.version(version_id)
        if version.state is state:
            return
        if version.state is VersionState.REMOVED:
            raise ModelNotFound(model_version_id=version_id)
        if state is VersionState.REMOVED and self._in_use(version):
            raise VersionPending(model_version_id=version_id)
        with self._audit.write(audit):
            self._set_state(version_id, state)

    def _set_state(self, version_id: ModelVersionId, state: VersionState) -> None:
        self._versions[version_id] = replace(self._versions[version_id], state=state)

    def _in_use(self, version: ModelVersion) -> bool:
        results = self._jobs.results.values()
        waiting = (r for r in results if r.state in _WAITING)
        pending = any(r.model_version_id == version.id for r in waiting)
        return pending or version.state is VersionState.ACTIVE
