"""The clock must not have gone back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from appliance.core.findings import Finding, Severity

TOLERANCE: Final = timedelta(seconds=5)


@dataclass(slots=True, kw_only=True)
class Past:
    """When things happened, by the clock of their moment.

    Attributes:
        first_at: of the oldest audit row: the box was made.
        newest_at: of the newest.
        latest_at: the latest instant any of them bears.
    """

    first_at: datetime | None = None
    newest_at: datetime | None = None
    latest_at: datetime | None = None

    def watch(self, at: datetime) -> None:
        """Remember when the next thing happened."""
        self.first_at = self.first_at or at
        self.newest_at = at
        self.latest_at = max(self.latest_at or at, at)


def check(past: Past, *, now: datetime) -> tuple[Finding, ...]:
    """Find that the present lies before something that already happened.

    An error if that is the making of the box or the newest thing of all: the clock is wrong now.
    If things happened since, it may have been set right, and only they can tell: a warning, for
    as long as the box holds instants that have not come yet.
    """
    if past.latest_at is None or past.latest_at - now <= TOLERANCE:
        return ()
    known = [at for at in (past.first_at, past.newest_at) if at is not None]
    return (
        Finding(
            code="clock-went-back",
            severity=Severity.ERROR if max(known) - now > TOLERANCE else Severity.WARNING,
            effect="Times of recordings and sign-ins are wrong, now or those of another time.",
            cause="The clock of the machine was changed, or its battery is empty.",
            remedy="Set the clock (timedatectl), and see that it is kept right.",
            details={"ahead_s": (past.latest_at - now).total_seconds()},
        ),
    )
