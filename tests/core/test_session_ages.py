"""Both clocks have to let a token live, and what is over stays over."""

from __future__ import annotations

import pytest

from appliance.core.ids import TokenId
from appliance.core.session_ages import Session, SessionAges
from tests.builders import NOON, later

HOUR_S = 3600.0
YEARS_S = 10 * 365 * 86_400.0


@pytest.fixture
def session() -> Session:
    """An hour from noon on."""
    return Session(id=TokenId("token"), issued_at=NOON, expires_at=later(HOUR_S))


@pytest.fixture
def ages(session: Session) -> SessionAges:
    """It was issued at noon, at 100 s of the other clock."""
    ages = SessionAges()
    ages.begin(session, ticks_s=100.0)
    return ages


@pytest.mark.parametrize("set_s", [0.0, -10.0, -HOUR_S, -YEARS_S])
def test_an_hour_is_an_hour_however_far_the_clock_goes_back(
    ages: SessionAges, session: Session, set_s: float
) -> None:
    """It neither ends a fresh token nor gives it time twice."""
    for passed_s, is_over in ((1.0, False), (HOUR_S - 1, False), (HOUR_S, True)):
        now = later(passed_s + set_s)
        assert ages.is_over(session, now=now, ticks_s=100.0 + passed_s) is is_over


def test_what_expired_once_is_over_when_the_clock_comes_back(
    ages: SessionAges, session: Session
) -> None:
    """The clock was ahead for a moment: to whoever was refused it is over."""
    assert ages.is_over(session, now=later(YEARS_S), ticks_s=101.0)
    assert ages.is_over(session, now=later(2.0), ticks_s=102.0)
    assert ages.over(ticks_s=102.0) == (session.id,)


@pytest.mark.parametrize(
    ("now_s", "left_s"),
    [(0.0, HOUR_S), (600.0, HOUR_S - 600.0), (-30.0, HOUR_S), (-61.0, 0.0), (-YEARS_S, 0.0)],
)
def test_an_earlier_process_s_token_has_what_the_clock_leaves_it(
    session: Session, now_s: float, left_s: float
) -> None:
    """Never more than its lifetime, and nothing if it is of the future."""
    ages = SessionAges()
    assert ages.is_over(session, now=later(now_s), ticks_s=5.0) is (left_s == 0.0)
    assert ages.is_over(session, now=later(now_s), ticks_s=5.0 + left_s)


def test_what_is_forgotten_takes_no_room(ages: SessionAges, session: Session) -> None:
    """Its row is gone, too."""
    ages.forget(ages.over(ticks_s=100.0 + HOUR_S))
    ages.forget((session.id,))
    assert ages.over(ticks_s=1e12) == ()
