"""Some releases of SQLite can damage a database that two connections write."""

from __future__ import annotations

from typing import Final

from appliance.core.findings import Finding, Severity

# As the documentation of SQLite says (wal.html, "the WAL-reset bug"): from 3.7.0 on; mended in
# 3.51.3, and on two older branches.
_FIRST: Final = (3, 7, 0)
_MENDED: Final = (3, 51, 3)
_MENDED_BRANCHES: Final = {(3, 50): 7, (3, 44): 6}


def check(version: str) -> tuple[Finding, ...]:
    """Note a release with the WAL-reset fault; the box's own lock keeps it from happening.

    Args:
        version: as SQLite tells it, for example `3.40.1`.
    """
    major, minor, patch = (int(part) for part in version.split(".")[:3])
    mended_from = _MENDED_BRANCHES.get((major, minor), patch + 1)
    mended = (major, minor, patch) >= _MENDED or patch >= mended_from
    if mended or (major, minor, patch) < _FIRST:
        return ()
    return (
        Finding(
            code="sqlite-wal-reset",
            severity=Severity.NOTE,
            effect="None while only spira writes: its lock lets one connection write at a time.",
            cause="This release of SQLite can damage a database that two connections write.",
            remedy="Open records.db with nothing but spira; take SQLite 3.51.3 or newer when the "
            "system offers it.",
            details={"version": version},
        ),
    )
