"""A box without its secrets cannot serve, and new ones do not match what it has given out."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.core.findings import Finding, Severity


def check(missing: Sequence[str]) -> tuple[Finding, ...]:
    """Find secrets that are not there.

    Args:
        missing: names of files of `keys/` that are missing or damaged.
    """
    if not missing:
        return ()
    return (
        Finding(
            code="secret-missing",
            severity=Severity.ERROR,
            effect="The box does not start, and every command but the doctor fails.",
            cause="Files of the keys directory were removed or damaged.",
            remedy=(
                "Restore them from a backup. Without pseudonym.key patients would get other"
                " pseudonyms in exports; without token.key everyone has to sign in again."
            ),
            details={"files": tuple(missing)},
        ),
    )
