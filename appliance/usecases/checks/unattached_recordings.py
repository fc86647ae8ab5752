"""Recordings that no inference attaches belong to work that was never finished."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.core.findings import Finding, Severity
from appliance.core.inference import Recording


def check(recordings: Sequence[Recording]) -> tuple[Finding, ...]:
    """Find recordings left alone.

    Args:
        recordings: attached to nothing for more than a day.
    """
    if not recordings:
        return ()
    return (
        Finding(
            code="recordings-unattached",
            severity=Severity.WARNING,
            effect="They are kept, but nobody agreed to their use and nothing is computed.",
            cause="A tablet or script sent recordings and never the form.",
            remedy="See whether a tablet still waits to send; else ask who took them.",
            details={
                "n_recordings": len(recordings),
                "ids": tuple(recording.id for recording in recordings[:10]),
            },
        ),
    )
