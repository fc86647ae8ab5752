"""The queue only wakes; without its file, results that another process asks for come later."""

from __future__ import annotations

from appliance.core.findings import Finding, Severity


def check(*, usable: bool) -> tuple[Finding, ...]:
    """Find a queue that is damaged or no queue.

    Args:
        usable: whether its file is absent or sound.
    """
    if usable:
        return ()
    return (
        Finding(
            code="queue-damaged",
            severity=Severity.WARNING,
            effect="What the console asks for waits up to a minute. Nothing is lost by it.",
            cause="`huey.db` was damaged, or is another program's file.",
            remedy="Restart the box: it makes the file anew, and takes up whatever waits.",
        ),
    )
