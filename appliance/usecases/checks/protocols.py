"""New work begins under a protocol, and what answers has to know it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from appliance.core.findings import Finding, Severity


def check(active: str | None, *, answering: Mapping[str, Collection[str]]) -> tuple[Finding, ...]:
    """Find that no work can begin, or that it can only end inconclusive.

    Args:
        active: id of the protocol that new work begins under; None if there is none.
        answering: ids of the protocols each active version was made for, by `NAME@VERSION`.
    """
    if active is None:
        return (
            Finding(
                code="protocol-missing",
                severity=Severity.ERROR,
                effect="Tablets have no form and no recordings to ask for: no work can begin.",
                cause="No protocol is active.",
                remedy="`spira protocols install FILE`, then `spira protocols activate ID`.",
            ),
        )
    strangers = tuple(name for name, known in sorted(answering.items()) if active not in known)
    if not strangers:
        return ()
    return (
        Finding(
            code="protocol-unknown-to-model",
            severity=Severity.ERROR,
            effect="Whatever is recorded now, these versions answer `inconclusive`.",
            cause=f"They were not made for {active}.",
            remedy=(
                "Activate a version that was made for it (`spira models list`), or the protocol"
                " before (`spira protocols activate ID`)."
            ),
            details={"versions": strangers},
        ),
    )
