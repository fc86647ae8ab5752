"""A row must be what was written."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.core.findings import Finding, Severity


def check(rows: Sequence[tuple[str, str]], *, log_cut_short: bool) -> tuple[Finding, ...]:
    """Find rows whose content changed on the disk, and a write that may never have been whole.

    Args:
        rows: table and id of each; no id where that is damaged, too.
        log_cut_short: the end of the log was dropped when the database was opened.
    """
    found = []
    if rows:
        names = dict.fromkeys(f"{table}: {record or 'unreadable'}" for table, record in rows)
        found.append(
            Finding(
                code="record-damaged",
                severity=Severity.ERROR,
                effect="They are neither shown, scored nor exported; an export stops at them.",
                cause="The disk, or a program from outside.",
                remedy="Keep a copy of the data directory, check the disk, restore a backup.",
                details={"rows": tuple(names)[:20], "n_rows": len(rows)},
            )
        )
    if log_cut_short:
        found.append(
            Finding(
                code="log-cut-short",
                severity=Severity.WARNING,
                effect="The last write before the box went down is gone; it is said only once.",
                cause="A power cut in the middle of it (then nobody was told it was stored), or"
                " a damaged disk.",
                remedy="Compare the last inferences with the tablets, which send again what is"
                " missing; check the disk.",
            )
        )
    return tuple(found)
