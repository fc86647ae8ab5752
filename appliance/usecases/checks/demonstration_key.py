"""Everyone has the private half of the demonstration key."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.core.findings import Finding, Severity
from appliance.core.signing_key import KeyScope, TrustedKey


def check(keys: Sequence[TrustedKey]) -> tuple[Finding, ...]:
    """Warn of trust in demonstration keys.

    Args:
        keys: those the box trusts.
    """
    fingerprints = tuple(key.fingerprint for key in keys if key.scope is KeyScope.DEMONSTRATION)
    if not fingerprints:
        return ()
    return (
        Finding(
            code="demonstration-key-trusted",
            severity=Severity.WARNING,
            effect="Anyone can make demonstration models that this box would install.",
            cause="The box was made with `spira init --demo`.",
            remedy="Never use this box for patients; or `spira keys revoke FINGERPRINT`.",
            details={"fingerprints": fingerprints},
        ),
    )
