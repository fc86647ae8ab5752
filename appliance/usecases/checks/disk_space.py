"""A full disk takes no recordings."""

from __future__ import annotations

from typing import Final

from appliance.core.findings import Finding, Severity

GIB: Final = 1024**3
ERROR_BELOW_BYTES: Final = 1 * GIB
WARNING_BELOW_BYTES: Final = 5 * GIB
"""About a thousand inferences of four recordings of 10 s at 48 kHz."""


def check(
    free_bytes: int, *, recordings_above_bytes: int, ballast_bytes: int
) -> tuple[Finding, ...]:
    """Find that space runs out, or that it has run out.

    Args:
        free_bytes: what the box's user may still write.
        recordings_above_bytes: with less free space no recording is taken.
        ballast_bytes: what is held for sign-ins, audit rows and results, besides.
    """
    is_full = free_bytes < recordings_above_bytes
    if free_bytes >= WARNING_BELOW_BYTES and not is_full:
        return ()
    is_error = is_full or free_bytes < ERROR_BELOW_BYTES
    return (
        Finding(
            code="disk-full" if is_full else "disk-space-low",
            severity=Severity.ERROR if is_error else Severity.WARNING,
            effect=_FULL if is_full else _LOW,
            cause="Recordings, exports or other programs fill the disk.",
            remedy="Move exports away, or give the box a larger disk.",
            details={"free_bytes": free_bytes, "ballast_bytes": ballast_bytes},
        ),
    )


_LOW: Final = "When it is full, new recordings are refused; nothing stored is lost."
_FULL: Final = (
    "New recordings are refused, nothing stored is lost; sign-in, reading and results go on "
    "while there is ballast. The box takes recordings again as soon as there is space."
)
