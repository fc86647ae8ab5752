"""What a look at the box found: what is wrong, what it does, why, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is: to know, to see to, or to mend now."""

    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing worth saying of a box.

    Attributes:
        code: stable, kebab-case.
        effect: what it does to those who work with the box.
        remedy: what to do.
        details: ids, counts and names of files; never patient data.
    """

    code: str
    severity: Severity
    effect: str
    cause: str
    remedy: str
    details: Mapping[str, str | int | float | tuple[str, ...]] = field(default_factory=dict)


def worst(findings: tuple[Finding, ...]) -> Severity | None:
    """Return the severity that decides; None where nothing was found."""
    order = list(Severity)
    return max((finding.severity for finding in findings), key=order.index, default=None)
