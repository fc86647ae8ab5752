"""What cannot be read cannot be vouched for."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.core.errors import StorageFault
from appliance.core.findings import Finding, Severity


def check(fault: StorageFault, *, looks: Sequence[str]) -> Finding:
    """Say what kept the doctor from looking.

    Args:
        fault: why the records, or a file, could not be read.
        looks: what was therefore not, or not wholly, looked at.
    """
    named = {
        name: value
        for name, value in fault.details.items()
        if value is not None and not isinstance(value, bool)
    }
    return Finding(
        code=fault.code,
        severity=Severity.ERROR,
        effect="The box cannot work with its records as it must; some things were not looked at.",
        cause=fault.detail,
        remedy=fault.remedy,
        details={**named, "not_looked_at": tuple(looks)},
    )
