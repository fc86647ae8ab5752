"""What a reader may say instead of reading."""

from __future__ import annotations

from collections.abc import Collection

from appliance.core.errors import ApplianceError


def hold_to(refusal: ApplianceError, reasons: Collection[str]) -> None:
    """Fail for a reason that is not documented."""
    reason = str(refusal.details["reason"])
    assert reason in reasons, reason
