"""What somebody asks an export for; everything that tells more of a patient has to be asked for."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from appliance.core.errors import FieldError, InvalidRequest
from appliance.core.export_dates import Dates

REASON: Final = re.compile(r"\S[^\x00-\x1f\x7f\u2028\u2029]{8,298}\S")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportChoice:
    """The options of an export.

    Attributes:
        study: pseudonyms and dates are its own; None: those of the box.
        dates: as they are told; true ones only where patients are identified.
        include_test: also what is a test or was said by a demonstration model.
        include_unverified: also what came without word of consent (requests of 2022).
        since: only what the box received from this instant on.
        where: column -> the texts of which its cell has to be one; every column has to fit.
        identified: with what identifies: RGH, free texts, ages over 89, ids of users and tablets.
        audio: with the sound of all recordings but the spoken consent.
        parquet: each table as Parquet, too.
        reason: why; must be given for `identified` and `audio`, and is kept in the audit.
    """

    study: str | None = None
    dates: Dates = Dates.SHIFTED
    include_test: bool = False
    include_unverified: bool = False
    since: datetime | None = None
    where: Mapping[str, frozenset[str]] = field(default_factory=dict)
    identified: bool = False
    audio: bool = False
    parquet: bool = False
    reason: str | None = None

    def __post_init__(self) -> None:
        """Raise InvalidRequest, naming every option at fault."""
        faults = []
        if self.dates is Dates.TRUE and not self.identified:
            faults.append(_fault("dates", "conflict", "true dates need --identified"))
        if self.reason is None and (self.identified or self.audio):
            faults.append(_fault("reason", "required", "--identified and --audio need --reason"))
        if self.reason is not None and not REASON.fullmatch(self.reason):
            faults.append(_fault("reason", "format", "one line of 10 to 300 characters"))
        if faults:
            raise InvalidRequest("The export cannot be made as asked.", errors=tuple(faults))

    def told(self, secret: Collection[str]) -> dict[str, str | bool | None]:
        """Return the options as audit and provenance keep them.

        Args:
            secret: columns that identify: a condition on one is told without its values.
        """
        return {
            "study": self.study,
            "dates": self.dates.value,
            "include_test": self.include_test,
            "include_unverified": self.include_unverified,
            "since": self.since.isoformat() if self.since else None,
            "where": _told(self.where, secret) or None,
            "identified": self.identified,
            "audio": self.audio,
            "parquet": self.parquet,
            "reason": self.reason,
        }


def read_where(texts: Sequence[str]) -> dict[str, frozenset[str]]:
    """Return the conditions of `COLUMN=VALUE`; several on one column are alternatives.

    Raises:
        InvalidRequest: a text has no `=`.
    """
    found: dict[str, set[str]] = {}
    for text in texts:
        column, sign, value = text.partition("=")
        if not sign or not column:
            raise InvalidRequest(
                "A condition is not one.",
                errors=(_fault("where", "format", "is written COLUMN=VALUE"),),
            )
        found.setdefault(column, set()).add(value)
    return {column: frozenset(values) for column, values in found.items()}


def read_since(text: str) -> datetime:
    """Return the instant of `2026-11-01` (its midnight in UTC) or `2026-11-01T08:00-03:00`.

    Raises:
        InvalidRequest: it is neither; an instant needs its offset.
    """
    try:
        at = datetime.fromisoformat(text)
        if len(text) == len("2026-11-01"):
            at = at.replace(tzinfo=UTC)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidRequest(
        "The instant is none.",
        errors=(_fault("since", "format", "is written 2026-11-01 or 2026-11-01T08:00-03:00"),),
    )


def _told(where: Mapping[str, frozenset[str]], secret: Collection[str]) -> str:
    return " and ".join(
        f"{column}={'(not told)' if column in secret else '|'.join(sorted(values))}"
        for column, values in sorted(where.items())
    )


def _fault(name: str, code: str, message: str) -> FieldError:
    return FieldError(field=name, code=code, message=message)
