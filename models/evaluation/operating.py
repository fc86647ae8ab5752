"""The operating point: calibration and thresholds, chosen once by a stated rule and kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from appliance.core.errors import FieldError, InvalidRequest
from models.evaluation.calibration import Platt, fit_platt
from models.training.metrics import wilson

LEAST_ZONE: Final = 0.1
"""Width the grey zone always has: nothing is told apart by a hair."""

_DECIMALS: Final = 3
_STEP: Final = 10.0**-_DECIMALS

_RULE: Final = (
    "On {n_positive} positive and {n_negative} negative patients of the validation part, none of "
    "whom any metric is of: probabilities are calibrated by Platt's line through the logits; t_low "
    "is the highest threshold at which the 95 % Wilson lower bound of the share of positive "
    "patients above it is at least {sensitivity:g}; t_high is the lowest at which that of negative "
    "patients under it is at least {specificity:g}; both rounded to the safe side at three "
    "decimals. Where that leaves a grey zone narrower than {zone:g}, or none, it is that wide "
    "around the middle of both."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What the thresholds must keep: lower bounds of 95 % intervals, on the validation part."""

    sensitivity: float = 0.9
    specificity: float = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenPoint:
    """An operating point.

    Attributes:
        rule: in words.
        digest: SHA-256 of the validation part.
        n_positive, n_negative: its patients.
        slope, intercept: Platt's, which `pack` puts into the graph.
        t_low, t_high: of calibrated probabilities.
    """

    rule: str
    digest: str
    n_positive: int
    n_negative: int
    slope: float
    intercept: float
    t_low: float
    t_high: float

    @property
    def platt(self) -> Platt:
        """The calibration."""
        return Platt(slope=self.slope, intercept=self.intercept)


def choose_point(
    probability: NDArray[np.float64], positive: NDArray[np.bool_], *, aim: Aim, digest: str
) -> ChosenPoint:
    """Return the operating point that the rule gives for a validation part, one case a patient.

    Args:
        probability: float64[n], uncalibrated.
        positive: bool[n].
        aim: what the thresholds must keep.
        digest: of the validation part.

    Raises:
        InvalidRequest: too few patients for the aim, or probabilities that fall with the disease.
    """
    n_positive = int(np.count_nonzero(positive))
    n_negative = int(positive.size) - n_positive
    platt = fit_platt(probability, positive)
    if platt is None:
        raise _refused("the model's probability does not rise with the disease here", "reversed")
    calibrated = platt(probability)
    low = _threshold(calibrated[positive], aim.sensitivity, "sensitivity")
    high = 1 - _threshold(1 - calibrated[~positive], aim.specificity, "specificity")
    if high - low < LEAST_ZONE:
        middle = (low + high) / 2
        low, high = middle - LEAST_ZONE / 2, middle + LEAST_ZONE / 2
    return ChosenPoint(
        rule=_RULE.format(
            n_positive=n_positive,
            n_negative=n_negative,
            sensitivity=aim.sensitivity,
            specificity=aim.specificity,
            zone=LEAST_ZONE,
        ),
        digest=digest,
        n_positive=n_positive,
        n_negative=n_negative,
        slope=platt.slope,
        intercept=platt.intercept,
        t_low=max(0.0, round(_to(math.floor, low), _DECIMALS)),
        t_high=min(1.0, round(_to(math.ceil, high), _DECIMALS)),
    )


def least_patients(aim: float) -> int:
    """Return how few patients can reach a lower bound at all: when every one of them is right."""
    n = 1
    while wilson(n, n)[0] < aim:
        n += 1
    return n


def _threshold(probability: NDArray[np.float64], aim: float, name: str) -> float:
    """Return the highest threshold, to the step, that leaves enough patients above it."""
    n = probability.size
    allowed = [missed for missed in range(n) if wilson(n - missed, n)[0] >= aim] if n else []
    if not allowed:
        raise _refused(
            f"{n} patients cannot show a {name} of {aim:g}: even all of them right have a lower "
            f"bound of {wilson(n, n)[0] if n else 0:.3f}; {least_patients(aim)} are needed, or a "
            "lower aim",
            name,
        )
    first_above = float(np.sort(probability)[max(allowed)])
    found = _to(math.floor, first_above)
    return found if found < first_above else found - _STEP


def _to(whole: Callable[[float], int], value: float) -> float:
    return whole(round(value / _STEP, 6)) * _STEP


def _refused(message: str, code: str) -> InvalidRequest:
    fault = FieldError(field="validation", code=code, message=message)
    return InvalidRequest("No operating point can be chosen.", errors=(fault,))
