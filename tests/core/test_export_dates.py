"""Dates of an export: intervals of one patient stay, and nothing tells how far they were moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.export_dates import MAX_DAYS, Calendar, Dates, calendar_of, told_end
from appliance.core.form_field import FieldFormat
from tests.builders import NOON

KEY = bytes(range(32))
SEEN_AT = NOON
INSTANTS = st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def shifted(person: str = "patient-1", key: bytes = KEY) -> Calendar:
    """Return how the dates of somebody are moved."""
    return calendar_of(key, person, Dates.SHIFTED, seen_at=SEEN_AT)


@given(INSTANTS, INSTANTS, st.text())
def test_intervals_and_times_of_day_stay_to_the_minute(
    first: datetime, second: datetime, person: str
) -> None:
    """One patient's instants are moved by the same number of whole days, 1 to 365."""
    first, second = (at.replace(second=0, microsecond=0) for at in (first, second))
    calendar = shifted(person)
    told = calendar.instant(first), calendar.instant(second)
    assert told[0] is not None
    assert told[1] is not None
    assert told[1] - told[0] == second - first
    back = first - told[0]
    assert back % timedelta(days=1) == timedelta(0)
    assert timedelta(days=1) <= back <= timedelta(days=MAX_DAYS)


@given(st.dates())
def test_a_date_is_moved_like_an_instant(day: object) -> None:
    """A day of a form and an instant of the same day stay on one day, or have none at all."""
    calendar = shifted()
    instant = calendar.answer(f"{day}T12:00:00+00:00", FieldFormat.DATE_TIME)
    told = calendar.answer(str(day), FieldFormat.DATE)
    if isinstance(instant, datetime):
        assert told == instant.date().isoformat()
    else:
        assert (instant, told) == (None, None)


@pytest.mark.parametrize(("hours", "told"), [(0, True), (24, True), (25, False), (9_000, False)])
def test_the_night_of_an_import_or_a_rescoring_is_not_told(hours: int, *, told: bool) -> None:
    """Many patients share it: its moved date would tell by how much each was moved."""
    at = SEEN_AT + timedelta(hours=hours)
    assert (shifted().cell(at) is not None) is told
    month = calendar_of(KEY, "patient-1", Dates.MONTH_HOUR, seen_at=SEEN_AT)
    assert month.cell(at) is not None


def test_seconds_are_not_told() -> None:
    """They would join what two studies say of one visit."""
    calendar = shifted()
    at = NOON.replace(second=59, microsecond=999_999)
    assert calendar.instant(at) == calendar.instant(NOON)
    assert calendar.answer(at.isoformat(), FieldFormat.DATE_TIME) == calendar.instant(NOON)


def test_patients_and_studies_are_moved_each_by_its_own() -> None:
    """The same for a patient at each export; few others share it, and each study has its own."""
    backs = {shifted(f"patient-{number}").back.days for number in range(1_000)}
    assert shifted() == shifted()
    assert len(backs) > MAX_DAYS * 0.8
    assert min(backs) >= 1
    other = [shifted(f"patient-{n}", bytes(32)) != shifted(f"patient-{n}") for n in range(100)]
    assert sum(other) > 90


@pytest.mark.parametrize(
    ("dates", "instant", "day"),
    [
        (Dates.MONTH_HOUR, "2026-02-01T23:00:00+00:00", "2026-03-01"),
        (Dates.TRUE, "2026-02-28T23:59:07+00:00", "2026-03-17"),
    ],
)
def test_other_ways_to_tell(dates: Dates, instant: str, day: str) -> None:
    """Month and hour alone, in UTC; or the truth."""
    calendar = calendar_of(KEY, "patient-1", dates, seen_at=SEEN_AT)
    told = calendar.answer("2026-02-28T20:59:07-03:00", FieldFormat.DATE_TIME)
    assert isinstance(told, datetime)
    assert told.isoformat() == instant
    assert calendar.answer("2026-03-17", FieldFormat.DATE) == day


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("0001-01-01", FieldFormat.DATE),
        ("0001-01-01T00:00:00+14:00", FieldFormat.DATE_TIME),
        ("2026-01-01T12:00:00", FieldFormat.DATE_TIME),
        ("yesterday", FieldFormat.DATE),
        ("Aparecida", FieldFormat.DATE_TIME),
    ],
)
def test_what_cannot_be_moved_is_left_out(text: str, form: FieldFormat) -> None:
    """No date leaves as it was because it could not be read or has no predecessor."""
    assert shifted().answer(text, form) is None


def test_only_instants_are_moved() -> None:
    """Every other cell stays."""
    assert [shifted().cell(cell) for cell in ("2026-01-01", 7, 0.5, True, None)] == [
        "2026-01-01",
        7,
        0.5,
        True,
        None,
    ]


def test_the_end_of_an_export_tells_no_day() -> None:
    """Unless dates are true anyway, the newest record is told by its month."""
    assert told_end(NOON, Dates.SHIFTED) == told_end(NOON, Dates.MONTH_HOUR) == "2026-03"
    assert told_end(NOON, Dates.TRUE) == "2026-03-01T12:00:00+00:00"
