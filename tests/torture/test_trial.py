"""The harness itself: the same seed is the same trial."""

from __future__ import annotations

from tests.torture.trial import Trial


def test_the_same_seed_gives_the_same_numbers_for_each_part() -> None:
    """One seed repeats a failure, and parts do not disturb each other."""
    first, again = Trial(seed=7, long=False), Trial(seed=7, long=True)

    assert first.random("kill", 3).random() == again.random("kill", 3).random()
    assert first.random("kill", 3).random() != first.random("kill", 4).random()
    assert (first.amount(short=1, long=2), again.amount(short=1, long=2)) == (1, 2)
