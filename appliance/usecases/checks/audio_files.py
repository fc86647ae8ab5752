"""Every recording needs its file, and every file its recording."""

from __future__ import annotations

from collections.abc import Collection

from appliance.core.findings import Finding, Severity


def check(
    *, missing: Collection[str], damaged: Collection[str], orphans: Collection[str]
) -> tuple[Finding, ...]:
    """Find recordings without sound, and sound without a recording.

    Args:
        missing: hashes of recordings whose file is not there.
        damaged: hashes of recordings whose file has other content (only looked for when asked).
        orphans: hashes of files, over a day old, that no recording names.
    """
    found = []
    if missing:
        found.append(_lost("audio-missing", "Files were removed from outside.", missing))
    if damaged:
        found.append(_lost("audio-damaged", "The disk, or a program from outside.", damaged))
    if orphans:
        found.append(
            Finding(
                code="audio-orphaned",
                severity=Severity.NOTE,
                effect="They only take space; the next start of the box removes them.",
                cause="The box was killed between a file and its row.",
                remedy="Nothing to do.",
                details={"n_files": len(orphans)},
            )
        )
    return tuple(found)


def _lost(code: str, cause: str, hashes: Collection[str]) -> Finding:
    return Finding(
        code=code,
        severity=Severity.ERROR,
        effect="These recordings can be neither heard nor scored again.",
        cause=cause,
        remedy="Restore the files from a backup and check the disk.",
        details={"n_files": len(hashes), "sha256": tuple(sorted(hashes)[:10])},
    )
