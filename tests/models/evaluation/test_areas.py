"""Areas and their intervals: published figures, the count by hand, clusters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.areas import (
    area,
    area_draws,
    area_interval,
    draw_patients,
    roc_points,
)

scores = st.lists(st.integers(0, 9), min_size=1, max_size=25)


def by_hand(positives: list[int], negatives: list[int]) -> float:
    """Count the pairs."""
    won = sum((p > n) + (p == n) / 2 for p in positives for n in negatives)
    return won / (len(positives) * len(negatives))


def together(positives: list[int], negatives: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and labels."""
    score = np.array([*positives, *negatives], dtype=np.float64)
    return score, np.array([True] * len(positives) + [False] * len(negatives))


@given(scores, scores)
def test_an_area_is_the_share_of_pairs_in_order(positives: list[int], negatives: list[int]) -> None:
    """Ties count half; the curve through the points encloses the same area."""
    score, positive = together(positives, negatives)

    found = area(score, positive)

    assert found == pytest.approx(by_hand(positives, negatives))
    x, y = np.array(roc_points(score, positive)).T
    assert float(np.trapezoid(y, x)) == pytest.approx(found)


def test_the_area_of_a_published_table() -> None:
    """CT readings of Hanley and McNeil (Radiology 143, 1982): 0.893, from five-point ratings."""
    normal, abnormal = (33, 6, 6, 11, 2), (3, 2, 2, 11, 33)
    ratings = [r for r, n in enumerate(abnormal) for _ in range(n)]
    others = [r for r, n in enumerate(normal) for _ in range(n)]
    score, positive = together(ratings, others)
    draws = draw_patients([str(i) for i in range(score.size)], positive, n_draws=2_000, seed=1)

    found = area_interval(score, positive, draws)

    assert found.value == pytest.approx(0.893, abs=5e-4)
    # Their standard error is 0.032: the bootstrap's interval is about as wide.
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(0.032, abs=0.003)


def test_one_draw_is_the_area_of_the_patients_drawn() -> None:
    """A case drawn twice is a case that stands there twice."""
    rng = np.random.default_rng(3)
    score = rng.integers(0, 6, 30).astype(np.float64)
    positive = rng.random(30) < 0.4
    draws = draw_patients([str(i) for i in range(30)], positive, n_draws=5, seed=2)

    found = area_draws(score, positive, draws)

    for row, value in zip(draws.weights.astype(int), found, strict=True):
        at = np.repeat(np.arange(30), row)
        assert value == pytest.approx(area(score[at], positive[at]))
        assert row[positive].sum() == positive.sum()


def test_recordings_of_one_patient_are_drawn_together() -> None:
    """Ten recordings of a patient say little more than one: the interval stays as wide."""
    rng = np.random.default_rng(5)
    positive = np.arange(20) < 10
    score = rng.normal(positive * 1.0, 1.0)
    alone = [str(i) for i in range(20)]
    many, labels = np.repeat(score, 10), np.repeat(positive, 10)

    def width(names: list[str]) -> float:
        found = area_interval(many, labels, draw_patients(names, labels, n_draws=500, seed=0))
        return found.high - found.low

    draws = draw_patients(alone, positive, n_draws=500, seed=0)
    once = area_interval(score, positive, draws)
    as_patients = width([name for name in alone for _ in range(10)])
    as_strangers = width([str(i) for i in range(200)])
    assert as_patients == pytest.approx(once.high - once.low)
    assert as_strangers < 0.5 * as_patients


def test_the_seed_decides() -> None:
    """The same seed, the same interval."""
    positive = np.arange(20) < 10
    names = [str(i) for i in range(20)]
    first, again, other = (
        draw_patients(names, positive, n_draws=9, seed=seed).weights for seed in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_an_area_of_one_label_is_refused() -> None:
    """There is no pair."""
    with pytest.raises(ValueError, match="both labels"):
        area(np.zeros(3), np.ones(3, dtype=np.bool_))
