"""Nobody but the box's own user may read what it keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from appliance.core.findings import Finding, Severity

_OTHERS: Final = 0o077


def check(modes: Mapping[str, int]) -> tuple[Finding, ...]:
    """Find files of the box that others may read or write.

    Args:
        modes: permission bits by name, `.` for the data directory itself.
    """
    open_to_others = tuple(sorted(name for name, mode in modes.items() if mode & _OTHERS))
    if not open_to_others:
        return ()
    # Inside a closed directory an open file harms nobody yet.
    closed = not modes.get(".", 0) & _OTHERS
    return (
        Finding(
            code="files-open-to-others",
            severity=Severity.WARNING if closed else Severity.ERROR,
            effect="Other accounts of this machine could read recordings, forms or keys.",
            cause="Permissions were changed, or files were copied in.",
            remedy="Run chmod -R go-rwx on the data directory.",
            details={"files": open_to_others[:20], "n_files": len(open_to_others)},
        ),
    )
