"""Whether a probability of 0.8 is right eight times of ten, and what makes it so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.evaluation.areas import Draws, Interval, percentile
from models.evaluation.logistic import fit_logistic, logit, sigmoid
from models.training.metrics import wilson

_Z_95: Final = 1.959963984540054
_N_BINS: Final = 10
_LEAST_A_BIN: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Platt:
    """A line through the logits: sigmoid(slope * logit(p) + intercept)."""

    slope: float
    intercept: float

    def __call__(self, probability: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the calibrated probabilities."""
        return sigmoid(self.slope * logit(probability) + self.intercept)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """Cases of similar probability: what was said, and how often it was so (Wilson interval)."""

    said: float
    observed: Interval
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How far probabilities are to be believed.

    Attributes:
        brier: mean squared error of the probability; 0.25 is a coin that says so.
        slope: of the labels' log odds on the logits; 1 is right, under 1 too sure of itself. None
            where the labels are separated: no finite line fits.
        intercept: log odds that are missing at the model's own slope (calibration in the large).
        bins: of equal numbers of cases, from low to high.
    """

    brier: Interval
    slope: Interval | None
    intercept: Interval | None
    bins: tuple[ReliabilityBin, ...]


def fit_platt(probability: NDArray[np.float64], positive: NDArray[np.bool_]) -> Platt | None:
    """Return the line that makes the probabilities fit the labels; None if they rise against them.

    The labels are smoothed to (n_pos + 1) / (n_pos + 2) and 1 / (n_neg + 2), so that few or
    separated cases do not make the model sure of itself (Platt, Advances in Large Margin
    Classifiers, 1999).
    """
    n_positive = np.count_nonzero(positive)
    n_negative = positive.size - n_positive
    smoothed = np.where(positive, (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2))
    found = fit_logistic(logit(probability)[:, None], smoothed)
    if found is None or found.coefficients[1] <= 0:
        return None
    return Platt(slope=float(found.coefficients[1]), intercept=float(found.coefficients[0]))


def calibration(
    probability: NDArray[np.float64], positive: NDArray[np.bool_], draws: Draws
) -> Calibration:
    """Return the calibration of cases, one a patient.

    Slope and intercept have Wald intervals (Cox, Biometrika 45, 1958; Van Calster et al., J. Clin.
    Epidemiol. 74, 2016), the Brier score one of the draws, bins Wilson's.
    """
    label = positive.astype(np.float64)
    errors = (probability - label) ** 2
    weights = draws.weights
    drawn = (weights @ errors) / weights.sum(axis=1)
    logits = logit(probability)
    line = fit_logistic(logits[:, None], label)
    level = fit_logistic(np.zeros((label.size, 0)), label, offset=logits)
    return Calibration(
        brier=percentile(float(errors.mean()), drawn),
        slope=_wald(line.coefficients[1], line.standard_error(1)) if line else None,
        intercept=_wald(level.coefficients[0], level.standard_error(0)) if level else None,
        bins=_bins(probability, positive),
    )


def _wald(value: float, standard_error: float) -> Interval:
    half = _Z_95 * standard_error
    return Interval(value=float(value), low=float(value) - half, high=float(value) + half)


def _bins(
    probability: NDArray[np.float64], positive: NDArray[np.bool_]
) -> tuple[ReliabilityBin, ...]:
    n_bins = max(1, min(_N_BINS, probability.size // _LEAST_A_BIN))
    order = np.argsort(probability, kind="stable")
    return tuple(
        _bin(probability[own], positive[own]) for own in np.array_split(order, n_bins) if own.size
    )


def _bin(probability: NDArray[np.float64], positive: NDArray[np.bool_]) -> ReliabilityBin:
    n, n_positive = positive.size, int(np.count_nonzero(positive))
    low, high = wilson(n_positive, n)
    observed = Interval(value=n_positive / n, low=low, high=high)
    return ReliabilityBin(said=float(probability.mean()), observed=observed, n=n)
