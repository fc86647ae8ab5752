"""What tablets sealed is opened by one key, which nothing can replace."""

from __future__ import annotations

from appliance.core.findings import Finding, Severity


def check(*, lost: bool) -> tuple[Finding, ...]:
    """Find that the key tablets seal to was given out and is gone."""
    if not lost:
        return ()
    return (
        Finding(
            code="outbox-key-lost",
            severity=Severity.ERROR,
            effect="The box does not start: nothing that tablets hold sealed could be opened.",
            cause="outbox.key was removed from the keys directory.",
            remedy=(
                "Put it back from a backup. If there is none: `spira keys give-up outbox.key` makes"
                " a new one, and what was sealed to the old one is lost."
            ),
            details={"files": ("outbox.key",)},
        ),
    )
