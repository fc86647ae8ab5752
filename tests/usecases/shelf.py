"""A shelf of models for the use cases: fakes in every port, an author who is trusted, a stick."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from appliance.core.audit import AuditAction, AuditEntry
from appliance.core.model import ModelVersion
from appliance.ports import ModelRecords, Stored
from appliance.usecases.install_model import install_bundle
from appliance.usecases.models import ModelRoom
from tests.builders import NOON, an_audit
from tests.bundle_builders import Author, a_bundle, a_manifest, an_author, golden_cases
from tests.fakes import FakeRecords, open_fake_records
from tests.fakes_models import FakeBundleStore, FakePredictor, Inputs


def as_expected(inputs: Inputs) -> float:
    """Return what the manifest of `a_manifest` expects of its golden cases."""
    loud, soft = golden_cases()
    return soft.probability if inputs["frase"].size else loud.probability


@dataclass
class Shelf:
    """What installing and switching models works with, in a test's own words.

    Attributes:
        models: stands in for the records' own models, where a test needs others.
    """

    stick: Path
    records: FakeRecords = field(default_factory=open_fake_records)
    bundles: FakeBundleStore = field(default_factory=FakeBundleStore)
    predictor: FakePredictor = field(default_factory=lambda: FakePredictor(answer=as_expected))
    models: ModelRecords | None = None
    now: datetime = NOON
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        """Trust the author."""
        self.records.keys.add_key(an_author().trusted(), audit=an_audit())

    def clock(self) -> datetime:
        """Return the present; each look at it is a second later."""
        self.now += timedelta(seconds=1)
        return self.now

    def room(self) -> ModelRoom:
        """Return the ports."""
        return ModelRoom(
            clock=self.clock,
            new_id=lambda: f"00000000-0000-4000-8000-{next(self._ids):012d}",
            models=self.models or self.records.models,
            keys=self.records.keys,
            protocols=self.records.protocols,
            bundles=self.bundles,
            predictor=self.predictor,
        )

    def install(
        self,
        version: str = "1.0.0",
        *,
        author: Author | None = None,
        **changes: Any,  # noqa: ANN401 - what may be changed is what `replace` takes
    ) -> tuple[ModelVersion, Stored]:
        """Install a bundle from the stick; its sequence is the version's first number."""
        sequence = int(version.partition(".")[0])
        manifest = a_manifest(**{"version": version, "sequence": sequence, **changes})
        self.stick.write_bytes(a_bundle(manifest, author=author))
        return install_bundle(self.stick, actor="it", room=self.room())

    def audited(self, action: AuditAction) -> list[AuditEntry]:
        """Return the audit's entries of an action."""
        return [row.entry for row in self.records.audit.rows() if row.entry.action is action]
