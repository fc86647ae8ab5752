"""What was installed must be what was signed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from appliance.core.findings import Finding, Severity


def check(faults: Mapping[str, str], *, documents: Sequence[str]) -> tuple[Finding, ...]:
    """Find bundles and documents that are not as they were installed.

    Args:
        faults: what is wrong with a bundle, by its digest.
        documents: ids of protocols and model versions whose document is not its digest's.
    """
    found = []
    if faults:
        found.append(
            Finding(
                code="bundle-damaged",
                severity=Severity.ERROR,
                effect="Its model answers nothing until the bundle is whole again.",
                cause="Files of the bundle were removed or damaged.",
                remedy="Install its bundle again and check the disk.",
                details={"bundles": tuple(f"{name}: {faults[name]}" for name in sorted(faults))},
            )
        )
    if documents:
        found.append(
            Finding(
                code="document-damaged",
                severity=Severity.ERROR,
                effect="What forms or models mean here is not what was installed.",
                cause="The disk, or a program from outside.",
                remedy="Restore a backup and check the disk.",
                details={"documents": tuple(documents)},
            )
        )
    return tuple(found)
