"""The area under the ROC curve, and how sure of it the patients make us."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

N_DRAWS: Final = 2_000
_TAIL_PCT: Final = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draws:
    """How often each case is drawn: patients with replacement, each label on its own.

    Attributes:
        weights: float64[n_draws, n_cases]; the cases of a patient are drawn together.
    """

    weights: NDArray[np.float64]


def draw_patients(
    patients: Sequence[str], positive: NDArray[np.bool_], *, n_draws: int, seed: int
) -> Draws:
    """Return bootstrap draws of patients (Efron and Tibshirani 1993, clusters as the units).

    A patient counts as positive who is so in any case: each draw has as many of both kinds as
    there are, so that no draw is without one of them.
    """
    names, of_case = np.unique(np.array(patients), return_inverse=True)
    ever = np.zeros(names.size, dtype=np.bool_)
    np.logical_or.at(ever, of_case, positive)
    rng = np.random.default_rng(seed)
    counts = np.zeros((n_draws, names.size))
    for stratum in (np.flatnonzero(ever), np.flatnonzero(~ever)):
        if stratum.size:
            even = np.full(stratum.size, 1 / stratum.size)
            counts[:, stratum] = rng.multinomial(stratum.size, even, size=n_draws)
    return Draws(weights=counts[:, of_case])


def area(score: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Return how often a positive case scores above a negative one, ties counting half.

    Raises:
        ValueError: there is no positive or no negative case.
    """
    if positive.all() or not positive.any():
        raise ValueError("an area needs cases of both labels")
    return float(_areas(score, positive, np.ones((1, score.size)))[0])


def area_draws(
    score: NDArray[np.float64], positive: NDArray[np.bool_], draws: Draws
) -> NDArray[np.float64]:
    """Return float64[n_draws], the area in each draw."""
    return _areas(score, positive, draws.weights)


def area_interval(
    score: NDArray[np.float64], positive: NDArray[np.bool_], draws: Draws
) -> Interval:
    """Return the area with its percentile interval over the draws. Raises ValueError."""
    return percentile(area(score, positive), area_draws(score, positive, draws))


def percentile(value: float, drawn: NDArray[np.float64]) -> Interval:
    """Return a figure with the 2.5th and 97.5th percentile of what the draws gave."""
    low, high = np.percentile(drawn[np.isfinite(drawn)], [_TAIL_PCT, 100 - _TAIL_PCT])
    return Interval(value=value, low=min(value, float(low)), high=max(value, float(high)))


def roc_points(
    score: NDArray[np.float64], positive: NDArray[np.bool_]
) -> tuple[tuple[float, float], ...]:
    """Return (1 - specificity, sensitivity) from (0, 0) to (1, 1), a point a distinct score."""
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), score.size - 1)
    found = np.cumsum(positive[order])[ends] / max(1, np.count_nonzero(positive))
    false = np.cumsum(~positive[order])[ends] / max(1, np.count_nonzero(~positive))
    points = zip(false, found, strict=True)
    return ((0.0, 0.0), *((float(x), float(y)) for x, y in points))


def won_pairs(
    score: NDArray[np.float64], positive: NDArray[np.bool_], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return, for each row of weights, how many pairs the positive case wins, and of how many.

    A tie is half a win.
    """
    if not score.size:
        return np.zeros(len(weights)), np.zeros(len(weights))
    order = np.argsort(score, kind="stable")
    starts = np.append(0, np.flatnonzero(np.diff(score[order])) + 1)
    drawn = weights[:, order]
    is_positive = positive[order]
    above = np.add.reduceat(drawn * is_positive, starts, axis=1)
    below = np.add.reduceat(drawn * ~is_positive, starts, axis=1)
    lower = np.cumsum(below, axis=1) - below / 2
    return (above * lower).sum(axis=1), above.sum(axis=1) * below.sum(axis=1)


def _areas(
    score: NDArray[np.float64], positive: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the area for each row of weights; NaN for one that leaves a label empty."""
    won, pairs = won_pairs(score, positive, weights)
    return np.divide(won, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)
