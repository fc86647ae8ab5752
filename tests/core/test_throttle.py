"""Waiting after failed sign-ins: nobody guesses on, and nobody is locked out for good."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from appliance.core.throttle import (
    CLOCK_SLACK_S,
    FORGET_AFTER_S,
    FREE_FAILURES_PER_ADDRESS,
    FREE_FAILURES_PER_PAIR,
    MAX_FAILURES_PER_ACCOUNT,
    MAX_WAIT_S,
    Budget,
    Failures,
    after_admission,
    after_success,
    throttle_keys,
    wait_s,
)
from tests.builders import NOON, later

YEAR_S = 365 * 86_400.0
AGES_S = st.floats(-YEAR_S, YEAR_S)
FREE = {
    Budget.PAIR: FREE_FAILURES_PER_PAIR,
    Budget.ADDRESS: FREE_FAILURES_PER_ADDRESS,
    Budget.ACCOUNT: MAX_FAILURES_PER_ACCOUNT,
}
SPELLINGS = ("joão-nurse", " JOÃO-NURSE ", "joa\u0303o-nurse", "joão-nur\u017fe")
"""Of one account: case, blanks, a decomposed letter, a long s."""


def test_every_spelling_of_a_name_counts_against_the_same_account() -> None:
    """Nobody gets more guesses by writing a name that finds the account in another way."""
    assert len({throttle_keys(name, "192.0.2.1")[Budget.ACCOUNT] for name in SPELLINGS}) == 1
    assert len({throttle_keys(name, "192.0.2.1")[Budget.PAIR] for name in SPELLINGS}) == 1


STORED = st.dictionaries(
    st.sampled_from(Budget),
    st.builds(
        lambda n, age_s: Failures(n_failures=n, last_at=NOON - timedelta(seconds=age_s)),
        st.integers(0, 10_000),
        AGES_S,
    ),
)


class Door:
    """What a box stores of attempts, without the box."""

    def __init__(self) -> None:
        """Begin without a failure."""
        self.stored: dict[str, Failures] = {}

    def counted(self, keys: Mapping[Budget, str]) -> dict[Budget, Failures]:
        """Return what is stored under the keys."""
        return {budget: self.stored[key] for budget, key in keys.items() if key in self.stored}

    def admit(self, username: str, address: str, at: datetime) -> float:
        """Return the wait; an attempt that has none is counted."""
        keys = throttle_keys(username, address)
        remaining_s = wait_s(self.counted(keys), now=at)
        if remaining_s <= 0.0:
            counts = after_admission(self.counted(keys), keys, at=at)
            self.stored |= {keys[budget]: count for budget, count in counts.items()}
        return remaining_s

    def succeed(self, username: str, address: str, at: datetime) -> None:
        """Take the admitted attempt back."""
        keys = throttle_keys(username, address)
        counts = after_success(self.counted(keys), keys, at=at)
        self.stored |= {keys[budget]: count for budget, count in counts.items()}


@given(STORED)
def test_a_wait_has_an_end_and_is_true(stored: dict[Budget, Failures]) -> None:
    """Whoever waits as long as told passes, unless a failure of a clock set back comes due."""
    told_s = wait_s(stored, now=NOON)
    assert 0.0 <= told_s <= MAX_WAIT_S + CLOCK_SLACK_S
    assume(all(failures.last_at <= later(CLOCK_SLACK_S) for failures in stored.values()))
    assert wait_s(stored, now=NOON + timedelta(seconds=told_s + 0.001)) == 0.0


@given(st.sampled_from(Budget), st.integers(0, 10_000), st.floats(CLOCK_SLACK_S + 1, YEAR_S))
def test_a_failure_from_the_future_makes_nobody_wait(
    budget: Budget, n_failures: int, ahead_s: float
) -> None:
    """A clock that was set back locks nobody out, and the next failure counts from now."""
    stored = {budget: Failures(n_failures=n_failures, last_at=later(ahead_s))}
    assert wait_s(stored, now=NOON) == 0.0
    mended = after_admission(stored, [budget], at=NOON)
    assert mended[budget].last_at == NOON
    kept = n_failures if ahead_s < FORGET_AFTER_S else 0
    assert mended[budget].n_failures == kept + 1


@given(st.sampled_from(Budget), st.floats(0.0, CLOCK_SLACK_S))
def test_attempts_at_once_are_not_free_for_coming_out_of_order(
    budget: Budget, ahead_s: float
) -> None:
    """A failure counted a moment ahead still makes the next attempt wait."""
    stored = {budget: Failures(n_failures=10_000, last_at=later(ahead_s))}
    assert wait_s(stored, now=NOON) == MAX_WAIT_S + (later(ahead_s) - NOON).total_seconds()


@given(STORED)
def test_after_an_admission_nothing_lies_in_the_future(stored: dict[Budget, Failures]) -> None:
    """Every count grows by one, or begins anew after a day."""
    counted = after_admission(stored, Budget, at=NOON)
    assert {count.last_at for count in counted.values()} == {NOON}
    for budget, count in counted.items():
        before = stored[budget].n_failures if budget in stored else 0
        assert count.n_failures in {1, before + 1}


@given(st.sampled_from(Budget), st.integers(0, 100))
def test_the_free_failures_are_free(budget: Budget, n_failures: int) -> None:
    """One fewer than the budget makes nobody wait, the budget's last does."""
    stored = {budget: Failures(n_failures=n_failures, last_at=NOON)}
    assert (wait_s(stored, now=NOON) > 0.0) == (n_failures >= FREE[budget])


def test_a_wait_doubles_with_each_failure() -> None:
    """One second, two, four, and never over a quarter of an hour."""
    waits = [
        wait_s({Budget.PAIR: Failures(n_failures=n, last_at=NOON)}, now=NOON) for n in range(5, 18)
    ]
    assert waits == [*(2.0**n for n in range(10)), MAX_WAIT_S, MAX_WAIT_S, MAX_WAIT_S]


def test_ten_thousand_guesses_from_fifty_addresses_reach_the_hash_under_a_hundred_times() -> None:
    """Ten a second for a quarter of an hour and more, and some come out of order."""
    door = Door()
    n_admitted = 0
    for number in range(10_000):
        at = later(number / 10 - (number % 7) / 100)
        n_admitted += door.admit("nurse", f"192.0.2.{number % 50}", at) == 0.0
    assert MAX_FAILURES_PER_ACCOUNT <= n_admitted <= 100


def test_a_known_tablet_signs_in_while_its_account_is_guessed_at() -> None:
    """The pair alone judges it, and its success opens the account to new addresses."""
    door = Door()
    door.admit("nurse", "ward", NOON)
    door.succeed("nurse", "ward", NOON)
    for number in range(1_000):
        door.admit("nurse", f"attacker {number}", NOON)
    assert door.admit("nurse", "new tablet", NOON) == MAX_WAIT_S
    assert door.admit("nurse", "ward", NOON) == 0.0
    door.succeed("nurse", "ward", NOON)
    assert door.admit("nurse", "new tablet", NOON) == 0.0


def test_another_account_of_the_address_pays_for_its_failures() -> None:
    """Thirty names tried from one address, and the next has to wait."""
    door = Door()
    waits = [door.admit(f"name {number}", "one", NOON) for number in range(31)]
    assert waits == [0.0] * FREE_FAILURES_PER_ADDRESS + [1.0]


def test_keys_tell_nothing_and_names_have_no_case() -> None:
    """What was typed into the name's field may have been a password."""
    keys = throttle_keys(" Nurse ", "192.0.2.7")
    assert keys == throttle_keys("nurse", "192.0.2.7")
    assert len(set(keys.values())) == len(Budget)
    assert not any("nurse" in key.lower() for key in keys.values())
