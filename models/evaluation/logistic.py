"""Logistic regression by Newton's method: small, exact, the same bits every time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_N_STEPS: Final = 100
_CLOSE: Final = 1e-10
_SEPARATED: Final = 30.0
"""A coefficient of logits beyond which the labels are as good as separated."""
FLOOR: Final = 1e-6
"""How near to 0 and 1 a probability counts before it becomes a logit, here and in a graph."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Logistic:
    """A fitted line on the scale of logits.

    Attributes:
        coefficients: float64[n_columns + 1], the intercept first.
        covariance: float64[n_columns + 1, n_columns + 1], from the observed information.
    """

    coefficients: NDArray[np.float64]
    covariance: NDArray[np.float64]

    def logits(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return float64[n] for float64[n, n_columns]."""
        return self.coefficients[0] + x @ self.coefficients[1:]

    def standard_error(self, index: int) -> float:
        """Return that of a coefficient."""
        return float(np.sqrt(self.covariance[index, index]))


def fit_logistic(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    *,
    ridge: float = 0.0,
    offset: NDArray[np.float64] | None = None,
) -> Logistic | None:
    """Return the fit of most likelihood; None where none is finite: x separates the labels.

    Args:
        x: float64[n, n_columns]; no columns fit the intercept alone.
        y: float64[n], 0 to 1: labels, or Platt's smoothed ones.
        ridge: penalty on half the squared coefficients, the intercept left out.
        offset: float64[n] of logits that are added and not fitted.
    """
    design = np.column_stack((np.ones(y.size), x))
    penalty = np.full(design.shape[1], ridge)
    penalty[0] = 0.0
    fixed = np.zeros(y.size) if offset is None else offset
    beta = np.zeros(design.shape[1])
    for _ in range(_N_STEPS):
        found = sigmoid(design @ beta + fixed)
        gradient = design.T @ (y - found) - penalty * beta
        information = (design.T * (found * (1 - found))) @ design + np.diag(penalty)
        try:
            step = np.asarray(np.linalg.solve(information, gradient), dtype=np.float64)
            covariance = np.asarray(np.linalg.inv(information), dtype=np.float64)
        except np.linalg.LinAlgError:
            return None
        beta = beta + _damped(step, design, y, beta, penalty, fixed)
        if not ridge and np.abs(beta[1:]).max(initial=0.0) > _SEPARATED:
            return None
        if np.abs(step).max() < _CLOSE:
            return Logistic(coefficients=beta, covariance=covariance)
    return None


def sigmoid(logit: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability of a logit, without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * logit))


def logit(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logit; probabilities are kept `FLOOR` from 0 and 1."""
    kept = np.clip(probability, FLOOR, 1 - FLOOR)
    return np.log(kept) - np.log1p(-kept)


def _damped(
    step: NDArray[np.float64],
    design: NDArray[np.float64],
    y: NDArray[np.float64],
    beta: NDArray[np.float64],
    penalty: NDArray[np.float64],
    fixed: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the step, halved until it does not make the fit worse."""

    def loss(at: NDArray[np.float64]) -> float:
        logits = design @ at + fixed
        fit = np.logaddexp(0.0, logits) - y * logits
        return float(fit.sum() + (penalty * at**2).sum() / 2)

    before = loss(beta)
    while loss(beta + step) > before + 1e-9 and np.abs(step).max() > _CLOSE:
        step = step / 2
    return step
