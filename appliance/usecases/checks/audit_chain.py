"""The audit chain must hold."""

from __future__ import annotations

from appliance.core.audit import AuditBreak
from appliance.core.findings import Finding, Severity


def check(broken: AuditBreak | None) -> tuple[Finding, ...]:
    """Find that rows were changed from outside.

    Args:
        broken: the first row that does not hold.
    """
    if broken is None:
        return ()
    return (
        Finding(
            code="audit-broken",
            severity=Severity.ERROR,
            effect="Nobody can say any more who did what.",
            cause="Rows of the audit were changed, removed or added from outside.",
            remedy="Keep the disk as evidence and tell the security officer.",
            details={"seq": broken.seq, "reason": broken.reason},
        ),
    )
