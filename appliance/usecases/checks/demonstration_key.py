"""Everyone has the private half of the demonstration key."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.core.findings import Finding, Severity
from appliance.core.signing_key import KeyScope, TrustedKey


def check(keys: Sequence[TrustedKey], *, public: str) -> tuple[Finding, ...]:
    """Warn of trust in demonstration keys; worse is one that may sign for patients.

    Args:
        keys: those the box trusts.
        public: fingerprint of the demonstration key that ships with the release.
    """
    found = [k for k in keys if k.scope is KeyScope.DEMONSTRATION or k.fingerprint == public]
    if not found:
        return ()
    clinical = any(key.scope is KeyScope.CLINICAL for key in found)
    fingerprints = tuple(key.fingerprint for key in found)
    return (
        Finding(
            code="demonstration-key-trusted",
            severity=Severity.ERROR if clinical else Severity.WARNING,
            effect=(
                "Anyone can make models for patients that this box would install."
                if clinical
                else "Anyone can make demonstration models that this box would install."
            ),
            cause=(
                "The demonstration's key was added as if it were an author's."
                if clinical
                else "The box was made with `spira init --demo`."
            ),
            remedy="Never use this box for patients; or `spira keys revoke FINGERPRINT`.",
            details={"fingerprints": fingerprints},
        ),
    )
