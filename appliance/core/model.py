"""Named models and the versions of them that were installed from bundles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from appliance.core.ids import ModelId, ModelVersionId


class VersionState(StrEnum):
    """One version a model is active; others wait, run in the shadow, or were removed."""

    INSTALLED = "installed"
    ACTIVE = "active"
    SHADOW = "shadow"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """One installed bundle.

    Attributes:
        digest: SHA-256 of the manifest's bytes: the name of its directory.
        sequence: rises with every version of a model; guards against rollback by USB stick.
        manifest: the manifest's exact bytes.
    """

    id: ModelVersionId
    model_id: ModelId
    model_name: str
    version: str
    sequence: int
    digest: str
    graph_sha256: str
    manifest: bytes
    key_fingerprint: str
    demonstration: bool
    t_low: float
    t_high: float
    state: VersionState
    installed_at: datetime

    @property
    def full_name(self) -> str:
        """`NAME@VERSION`, as a person names it."""
        return f"{self.model_name}@{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A name users choose by. Without an active version it waits for its first bundle."""

    id: ModelId
    name: str
    publishing_channel: str
    is_default: bool
    ever_installed: bool
    active: ModelVersion | None
    created_at: datetime


def versions_before(activations: Sequence[ModelVersionId]) -> tuple[ModelVersionId, ...]:
    """Return the versions to roll back to, the nearest first.

    Going back takes the step back too: after 1, 2, 3 and back to 2, the next one back is 1,
    never the 3 that somebody had a reason to leave.

    Args:
        activations: of one model, oldest first.
    """
    path: list[ModelVersionId] = []
    for version_id in activations:
        if path[-2:-1] == [version_id]:
            path.pop()
        elif path[-1:] != [version_id]:
            path.append(version_id)
    present = path[-1:]
    return tuple(v for v in dict.fromkeys(reversed(path[:-1])) if [v] != present)
