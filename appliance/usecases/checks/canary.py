"""Every version on the box must still say what it said to its author."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from appliance.core.audit import AuditEntry
from appliance.core.findings import Finding, Severity
from appliance.usecases.canary import SERVER

SILENT_AFTER: Final = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """When a version was last tried, or installed if it never was, and what was wrong then.

    Attributes:
        at: when.
        fault: what was wrong, whichever process tried it last; empty if nothing was.
        server_fault: what was wrong when the process that answers for patients last tried it.
    """

    at: datetime
    fault: str = ""
    server_fault: str = ""


def heard(entry: AuditEntry, before: Heard | None) -> Heard:
    """Return what is known of a version after one more run.

    What the process that answers for patients failed, no other process puts right: its memory may
    be what is wrong.
    """
    fault = str(entry.details.get("fault") or "")
    server_fault = before.server_fault if before is not None else ""
    if entry.actor == SERVER:
        server_fault = fault
    return Heard(at=entry.at, fault=fault, server_fault=server_fault)


def check(heard: Mapping[str, Heard], *, now: datetime) -> tuple[Finding, ...]:
    """Find versions that failed when they were last tried, and those that nobody tried.

    Args:
        heard: by `NAME@VERSION`, of every installed version.
        now: the present.
    """
    faults = {name: one.fault or one.server_fault for name, one in sorted(heard.items())}
    failed = tuple(f"{name}: {fault}" for name, fault in faults.items() if fault)
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
                    " `spira doctor --canary`. What failed in the server's own process at night"
                    " stays here until it passes there: restart it and look tomorrow. If it fails"
                    " again, take the machine out of use."
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
