"""The versions that serve must be whole, and say here what they said to their author."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from appliance.core.findings import Finding, Severity


def check(
    faults: Mapping[str, str], *, leftovers: Collection[str], n_staged: int
) -> tuple[Finding, ...]:
    """Find bundles that cannot serve, and bundles that nothing needs.

    Args:
        faults: the code of the error by `NAME@VERSION`, of active and shadow versions.
        leftovers: digests of bundles, over a day old, that no installed version has.
        n_staged: how many bundles, over a day old, were never installed.
    """
    found = []
    if faults:
        found.append(
            Finding(
                code="model-files-faulty",
                severity=Severity.ERROR,
                effect="Their results are inconclusive or errors, or not what was evaluated.",
                cause="Files of the model were removed or damaged, or it does not suit this box.",
                remedy="Install its bundle again; `spira models verify` shows more.",
                details={"versions": tuple(f"{name}: {faults[name]}" for name in sorted(faults))},
            )
        )
    if leftovers or n_staged:
        found.append(
            Finding(
                code="bundles-left-behind",
                severity=Severity.NOTE,
                effect="They only take space; the next start of the box removes them.",
                cause="An installation or a removal was killed half-way.",
                remedy="Nothing to do.",
                details={"n_bundles": len(leftovers), "n_staged": n_staged},
            )
        )
    return tuple(found)
