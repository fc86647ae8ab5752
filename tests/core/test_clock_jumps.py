"""A clock that was set forward is known by one that cannot be set."""

from __future__ import annotations

from datetime import timedelta

import pytest

from appliance.core.clock_jumps import ClockJumps
from tests.builders import NOON

TEN_YEARS = timedelta(days=3653)
TEN_DAYS = timedelta(days=10)
HOUR_S = 3600.0


def after(*steps: timedelta) -> float:
    """Return what is known after an hour each, and the clock set by each step at its end."""
    jumps, now, ticks_s = ClockJumps(now=NOON, ticks_s=7.0), NOON, 7.0
    for step in steps:
        ticks_s += HOUR_S
        now += timedelta(seconds=HOUR_S) + step
        jumps.look(now=now, ticks_s=ticks_s)
    return jumps.forward_s


def test_time_that_passes_is_no_jump() -> None:
    """However long."""
    assert after(timedelta(), timedelta()) == pytest.approx(0.0)


@pytest.mark.parametrize(
    "step", [TEN_YEARS, TEN_DAYS, timedelta(seconds=-TEN_DAYS.total_seconds())]
)
def test_only_a_jump_forward_makes_things_look_older(step: timedelta) -> None:
    """By as much as the clock was set."""
    assert after(step) == pytest.approx(max(step, timedelta()).total_seconds())


def test_what_came_before_the_clock_was_set_right_looks_old() -> None:
    """It went back, and was set right: by the whole way; and it went ahead, and was set right."""
    assert after(-TEN_DAYS, TEN_DAYS) == pytest.approx(TEN_DAYS.total_seconds())
    assert after(TEN_YEARS, -TEN_YEARS) == pytest.approx(0.0)
