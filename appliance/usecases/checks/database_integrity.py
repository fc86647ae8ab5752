"""The database must be whole."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.core.findings import Finding, Severity


def check(problems: Sequence[str]) -> tuple[Finding, ...]:
    """Find damage.

    Args:
        problems: what SQLite's own checks of pages, indexes and foreign keys say.
    """
    if not problems:
        return ()
    return (
        Finding(
            code="database-damaged",
            severity=Severity.ERROR,
            effect="Records may be missing or wrong.",
            cause="The disk, a power cut on a disk that lies, or another program wrote to it.",
            remedy="Stop the box, keep a copy of the data directory, and restore a backup.",
            details={"problems": tuple(problems[:10]), "n_problems": len(problems)},
        ),
    )
