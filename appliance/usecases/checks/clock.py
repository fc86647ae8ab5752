"""The clock must not have gone back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from appliance.core.findings import Finding, Severity

TOLERANCE: Final = timedelta(seconds=5)


def check(newest_at: datetime | None, *, now: datetime) -> tuple[Finding, ...]:
    """Find that the present lies before something that already happened.

    Args:
        newest_at: when the newest audit row was written.
        now: the present.
    """
    if newest_at is None or newest_at - now <= TOLERANCE:
        return ()
    return (
        Finding(
            code="clock-went-back",
            severity=Severity.ERROR,
            effect="Times of recordings and sign-ins are wrong; tokens may live too long.",
            cause="The clock of the machine was changed, or its battery is empty.",
            remedy="Set the clock (timedatectl), and see that it is kept right.",
            details={"ahead_s": (newest_at - now).total_seconds()},
        ),
    )
