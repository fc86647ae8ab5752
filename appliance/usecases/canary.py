"""The canary: every installed version repeats its golden results, night after night.

A version that waits to be rolled back to is tried, too: it is needed in an emergency.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from appliance.core.audit import AuditAction, audited
from appliance.core.errors import ApplianceError, StorageFault
from appliance.core.model import ModelVersion, VersionState
from appliance.ports import AuditRecords
from appliance.usecases.models import SERVING, ModelRoom, self_test

SERVER: Final = "box"
"""Who has it done in the process that answers for patients, in audit rows."""
APART: Final = timedelta(hours=12)
"""Two runs are no closer: a quiet hour has sixty minutes, in each of which somebody looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sung:
    """How one version did.

    Attributes:
        fault: the code of what is wrong; empty if it repeated its golden results.
        difference: the largest one to an expected probability; None if there is a fault.
    """

    version: ModelVersion
    fault: str
    difference: float | None


def is_due(last_at: datetime | None, *, now: datetime, hour: int) -> bool:
    """Return whether the canary is to sing.

    Args:
        last_at: when it last did; one in the future was of a clock that went back.
        now: the present, in the time of the place.
        hour: the quiet one, 0 to 23.
    """
    return now.hour == hour and (last_at is None or abs(now - last_at) >= APART)


def sing(
    *, actor: str, room: ModelRoom, audit: AuditRecords, may_go_on: Callable[[], bool]
) -> Iterator[Sung]:
    """Try one installed version after the other; each outcome is an audit row.

    What was loaded for this alone is unloaded at once.

    Args:
        actor: who had it done.
        room: with the predictor that is to be tried.
        audit: where `doctor` finds the outcome.
        may_go_on: asked before each version; waits while others have work, False ends it.

    Raises:
        StorageFault: the outcome cannot be written.
    """
    for version in room.models.versions():
        if version.state is VersionState.REMOVED:
            continue
        if not may_go_on():
            return
        sung = _tried(version, room)
        audit.append(
            audited(
                AuditAction.MODEL_CANARY,
                version.id,
                at=room.clock(),
                actor=actor,
                graph_sha256=version.graph_sha256,
                fault=sung.fault,
                difference=sung.difference,
            )
        )
        yield sung


def _tried(version: ModelVersion, room: ModelRoom) -> Sung:
    keep = version.state in SERVING or version.graph_sha256 in room.predictor.loaded()
    try:
        difference = self_test(
            room.bundles.contents(version.digest),
            predictor=room.predictor,
            timeout_s=room.golden_timeout_s,
        )
    except StorageFault:
        raise
    except ApplianceError as fault:
        return Sung(version=version, fault=fault.code, difference=None)
    finally:
        if not keep:
            room.predictor.unload(version.graph_sha256)
    return Sung(version=version, fault="", difference=difference)
