"""A full disk takes no recordings."""

from __future__ import annotations

from typing import Final

from appliance.core.findings import Finding, Severity

GIB: Final = 1024**3
ERROR_BELOW_BYTES: Final = 1 * GIB
WARNING_BELOW_BYTES: Final = 5 * GIB
"""About a thousand inferences of four recordings of 10 s at 48 kHz."""


def check(free_bytes: int) -> tuple[Finding, ...]:
    """Find that space runs out.

    Args:
        free_bytes: what the box's user may still write.
    """
    if free_bytes >= WARNING_BELOW_BYTES:
        return ()
    return (
        Finding(
            code="disk-space-low",
            severity=Severity.ERROR if free_bytes < ERROR_BELOW_BYTES else Severity.WARNING,
            effect="When it is full, new recordings are refused; nothing stored is lost.",
            cause="Recordings, exports or other programs fill the disk.",
            remedy="Move exports away, or give the box a larger disk.",
            details={"free_bytes": free_bytes},
        ),
    )
