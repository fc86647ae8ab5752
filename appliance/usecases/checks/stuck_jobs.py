"""A pre-diagnosis is a matter of seconds."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from appliance.core.findings import Finding, Severity

STUCK_AFTER: Final = timedelta(minutes=15)


def check(oldest_at: datetime | None, *, now: datetime) -> tuple[Finding, ...]:
    """Find inferences that wait too long.

    Args:
        oldest_at: when the oldest inference without an answer was received.
        now: the present.
    """
    if oldest_at is None or now - oldest_at < STUCK_AFTER:
        return ()
    return (
        Finding(
            code="jobs-stuck",
            severity=Severity.ERROR,
            effect="Nurses wait for results that do not come.",
            cause="The box is not running, or its worker hangs.",
            remedy="Start it (`spira serve`), or restart it: whatever waits is taken up again.",
            details={"oldest_at": oldest_at.isoformat()},
        ),
    )
