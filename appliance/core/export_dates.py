"""The dates of an export: moved for each patient, or month and hour alone, or as they were.

Moved dates keep every interval of a patient, and nothing tells by how much they were moved: the
number of days is made from the key of the study, and rows stand in no order of time.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final

from appliance.core.csv_text import Cell
from appliance.core.form_field import FieldFormat

MAX_DAYS: Final = 365
"""Dates are moved back by 1 to so many whole days."""


OWN_WORK_AFTER: Final = timedelta(hours=24)


class Dates(StrEnum):
    """How an export tells dates.

    Attributes:
        SHIFTED: moved back by whole days, the same number in all of one patient, and to the minute.
        MONTH_HOUR: the first of the month, and the full hour.
        TRUE: as they were.
    """

    SHIFTED = "shifted"
    MONTH_HOUR = "month-hour"
    TRUE = "true"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """How the dates of one patient are told.

    Attributes:
        back: by how much they are moved.
        until: an instant after it is one of the box's own work (an import, a night of rescoring).
            Many patients share those, so that one would tell by how much each was moved.
    """

    dates: Dates
    back: timedelta
    until: datetime

    def cell(self, cell: Cell, *, of_tablet: bool = False) -> Cell:
        """Return a cell as it may be told: an instant by this calendar, all else as it is.

        A moved instant of the box's own work is not told.

        Args:
            cell: of a row.
            of_tablet: an instant is by the clock of a tablet, which does none of that work.
        """
        if not isinstance(cell, datetime):
            return cell
        is_own_work = cell > self.until and not of_tablet
        return None if self.dates is Dates.SHIFTED and is_own_work else self.instant(cell)

    def instant(self, at: datetime) -> datetime | None:
        """Return an instant in UTC; None where a moved one has no date."""
        try:
            at = at.astimezone(UTC)
            match self.dates:
                case Dates.TRUE:
                    return at
                case Dates.SHIFTED:
                    # Seconds that stay would join the exports of two studies.
                    return at.replace(second=0, microsecond=0) - self.back
                case Dates.MONTH_HOUR:
                    return at.replace(day=1, minute=0, second=0, microsecond=0)
        except OverflowError:
            return None

    def answer(self, text: str, form: FieldFormat) -> Cell:
        """Return a date or an instant of a form; None where it is none."""
        try:
            if form is FieldFormat.DATE_TIME:
                at = datetime.fromisoformat(text)
                return self.instant(at) if at.tzinfo is not None else None
            return self._day(date.fromisoformat(text)).isoformat()
        except (ValueError, OverflowError):
            return None

    def _day(self, day: date) -> date:
        match self.dates:
            case Dates.TRUE:
                return day
            case Dates.SHIFTED:
                return day - self.back
            case Dates.MONTH_HOUR:
                return day.replace(day=1)


def calendar_of(key: bytes, person: str, dates: Dates, *, seen_at: datetime) -> Calendar:
    """Return the calendar of one patient: the same at every export with this key.

    Args:
        key: 32 bytes of the study.
        person: the pseudonym of the patient.
        dates: how they are told.
        seen_at: when the patient was here; no later than the box heard of it.
    """
    digest = hmac.digest(key, f"days\x1f{person}".encode(), hashlib.sha256)
    back = timedelta(days=1 + int.from_bytes(digest[:8]) % MAX_DAYS)
    return Calendar(dates=dates, back=back, until=seen_at + OWN_WORK_AFTER)


def told_end(at: datetime, dates: Dates) -> str:
    """Return when the newest record of an export was made: its month, or the true instant.

    The day would tell by how much the newest patient's dates were moved.
    """
    return at.isoformat() if dates is Dates.TRUE else f"{at.astimezone(UTC):%Y-%m}"
