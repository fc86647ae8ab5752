"""Every version on the box must still say what it said to its author."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from appliance.core.findings import Finding, Severity

SILENT_AFTER: Final = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """When a version was last tried, or installed if it never was, and what was wrong then."""

    at: datetime
    fault: str = ""


def check(heard: Mapping[str, Heard], *, now: datetime) -> tuple[Finding, ...]:
    """Find versions that failed when they were last tried, and those that nobody tried.

    Args:
        heard: by `NAME@VERSION`, of every installed version.
        now: the present.
    """
    failed = tuple(f"{name}: {one.fault}" for name, one in sorted(heard.items()) if one.fault)
    silent = tuple(name for name, one in sorted(heard.items()) if now - one.at > SILENT_AFTER)
    found = []
    if failed:
        found.append(
            Finding(
                code="canary-failed",
                severity=Severity.ERROR,
                effect="What they say of patients is not what was evaluated, or they say nothing.",
                cause="Files, memory or processor of the box changed since they were installed.",
                remedy=(
                    "Roll back (`spira models rollback`), install the bundle again, then"
                    " `spira doctor --canary`. If it fails again, take the machine out of use."
                ),
                details={"versions": failed},
            )
        )
    if silent:
        found.append(
            Finding(
                code="canary-silent",
                severity=Severity.WARNING,
                effect="Nobody would notice that these versions began to say something else.",
                cause="The box is off or has work without a pause in its quiet hour.",
                remedy="Try them now: `spira doctor --canary`. Leave the box on at night.",
                details={"versions": silent},
            )
        )
    return tuple(found)
