"""Without an active model there is no pre-diagnosis."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.core.findings import Finding, Severity
from appliance.core.model import Model


def check(models: Sequence[Model]) -> tuple[Finding, ...]:
    """Find that no model answers, or that one waits for its bundle.

    Args:
        models: all models of the box.
    """
    if not any(model.active for model in models):
        return (
            Finding(
                code="no-active-model",
                severity=Severity.ERROR,
                effect="Every request for a pre-diagnosis is refused or stays without one.",
                cause="No bundle was installed and activated.",
                remedy="Run `spira models install FILE`, then `spira models activate`.",
            ),
        )
    if any(model.active and model.active.demonstration for model in models):
        return (
            Finding(
                code="demonstration-model-active",
                severity=Severity.WARNING,
                effect="Its results say nothing of a patient; they are marked as demonstration.",
                cause="The demonstration model is active.",
                remedy="Install and activate a clinical model before using the box.",
            ),
        )
    return ()
