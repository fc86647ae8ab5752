"""Somebody must still vouch for what answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from appliance.core.findings import Finding, Severity


def check(signers: Mapping[str, str], *, trusted: Collection[str]) -> tuple[Finding, ...]:
    """Find versions in service whose signer is trusted no more.

    Args:
        signers: fingerprint of the key that signed it, by `NAME@VERSION`, of versions in service.
        trusted: fingerprints of the keys this box trusts.
    """
    orphaned = tuple(name for name, key in sorted(signers.items()) if key not in trusted)
    if not orphaned:
        return ()
    return (
        Finding(
            code="signer-revoked",
            severity=Severity.WARNING,
            effect="They answer, though nobody whom this box trusts vouches for them any more.",
            cause="The key that signed them was revoked after they were installed.",
            remedy=(
                "If the key was stolen: `spira models rollback NAME`, or install a version signed"
                " by another key. Installed models stay until then."
            ),
            details={"versions": orphaned},
        ),
    )
