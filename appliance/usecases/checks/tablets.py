"""Work that stays on tablets is work that may be lost with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from appliance.core.findings import Finding, Severity
from appliance.core.tablet import FULL_PCT, Tablet, TabletState

SILENT_AFTER: Final = timedelta(days=7)


_BEHIND: Final = Finding(
    code="tablets-behind",
    severity=Severity.ERROR,
    effect="Recordings wait on them for more than a day, or soon no more can be kept.",
    cause=f"They do not reach the box, or their storage is more than {FULL_PCT:.0f}% full.",
    remedy="Put them on their charger within reach of the box, with the app open, and look there"
    " at what waits.",
)
_SILENT: Final = Finding(
    code="tablets-silent",
    severity=Severity.NOTE,
    effect="Nobody knows whether recordings wait on them.",
    cause=f"They have not been heard of for {SILENT_AFTER.days} days.",
    remedy="Open the app there within reach of the box; `spira tablets revoke NAME` if they are"
    " lost.",
)


def check(tablets: Sequence[Tablet], *, now: datetime) -> tuple[Finding, ...]:
    """Find tablets on which work waits too long, and those nobody has heard of for days."""
    enrolled = [tablet for tablet in tablets if tablet.state is TabletState.ENROLLED]
    behind = [one for one in enrolled if one.standing and one.standing.is_behind(now=now)]
    silent = [one for one in enrolled if one not in behind and _is_silent(one, now)]
    return tuple(
        replace(finding, details={"tablets": tuple(tablet.name for tablet in found)})
        for finding, found in ((_BEHIND, behind), (_SILENT, silent))
        if found
    )


def _is_silent(tablet: Tablet, now: datetime) -> bool:
    last_at = tablet.standing.at if tablet.standing else tablet.enrolled_at
    return last_at is not None and now - last_at > SILENT_AFTER
