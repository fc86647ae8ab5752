"""How good a model is, said with intervals, and where its grey zone lies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from appliance.core.manifest import Metric

THRESHOLD_RULE: Final = (
    "t_low is the 2.5th percentile of the patients' probabilities in the validation set, t_high "
    "the 97.5th percentile of the controls', but at most 0.45 and at least 0.55, rounded to two "
    "decimals: a grey zone always exists, and about one validation patient in forty is below it."
)

_Z_95: Final = 1.959963984540054
_TAIL_PCT: Final = 2.5
_LEAST_HALF_ZONE: Final = 0.05
_EVEN: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class GreyZone:
    """Probabilities above t_low and under t_high decide nothing."""

    t_low: float
    t_high: float


def wilson(n_right: int, n: int) -> tuple[float, float]:
    """Return the 95 % score interval of a proportion (Wilson, J. Am. Stat. Assoc. 22, 1927).

    Raises:
        ValueError: n is not above 0.
    """
    if n <= 0:
        message = "an interval needs at least one observation"
        raise ValueError(message)
    share = n_right / n
    spread = _Z_95**2 / n
    centre = (share + spread / 2) / (1 + spread)
    half = _Z_95 * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    # The share itself bounds both: at 0 and 1 rounding would put it outside by a hair.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def grey_zone(probability: NDArray[np.float64], label: NDArray[np.float64]) -> GreyZone:
    """Return the thresholds by `THRESHOLD_RULE` from a validation set with both labels."""
    low = float(np.percentile(probability[label == 1.0], _TAIL_PCT))
    high = float(np.percentile(probability[label == 0.0], 100 - _TAIL_PCT))
    return GreyZone(
        t_low=round(min(low, _EVEN - _LEAST_HALF_ZONE), 2),
        t_high=round(max(high, _EVEN + _LEAST_HALF_ZONE), 2),
    )


def metrics(
    probability: NDArray[np.float64], label: NDArray[np.float64], zone: GreyZone, *, on: str
) -> tuple[Metric, ...]:
    """Return accuracy, sensitivity, specificity at 0.5, and what the grey zone makes of them.

    At the operating point everybody counts: who is in the grey zone was neither found nor cleared.
    A share of nobody (no patient decided, say) is left out.
    """
    patient = label == 1.0
    right = (probability >= _EVEN) == patient
    decided = (probability <= zone.t_low) | (probability >= zone.t_high)
    shares = {
        "accuracy": right,
        "sensitivity": right[patient],
        "specificity": right[~patient],
        "sensitivity_at_point": (probability >= zone.t_high)[patient],
        "specificity_at_point": (probability <= zone.t_low)[~patient],
        "share_decided": decided,
        "accuracy_decided": right[decided],
        "sensitivity_decided": right[decided & patient],
        "specificity_decided": right[decided & ~patient],
    }
    found = [share_of(name, share, on=on) for name, share in shares.items() if share.size]
    return (*found, _area(probability, patient, on))


def share_of(name: str, right: NDArray[np.bool_], *, on: str) -> Metric:
    """Return how many are right, with Wilson's interval. Raises ValueError where there is nobody.

    Args:
        name: of the metric.
        right: bool[n], at least one.
        on: whom it is of.
    """
    n, n_right = int(right.size), int(np.count_nonzero(right))
    low, high = wilson(n_right, n)
    return Metric(name=name, value=n_right / n, low=low, high=high, n=n, on=on)


def _area(probability: NDArray[np.float64], patient: NDArray[np.bool_], on: str) -> Metric:
    """Return the area under the ROC curve: how often a patient is above a control, ties half.

    Interval: Hanley and McNeil, Radiology 143, 1982.
    """
    of_patients, of_controls = probability[patient], probability[~patient]
    gap = of_patients[:, None] - of_controls[None, :]
    area = float(np.mean(gap > 0) + np.mean(gap == 0) / 2)
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    n_patients, n_controls = of_patients.size, of_controls.size
    variance = area * (1 - area) + (n_patients - 1) * (q1 - area**2)
    variance += (n_controls - 1) * (q2 - area**2)
    half = _Z_95 * math.sqrt(max(variance, 0.0) / (n_patients * n_controls))
    low, high = max(0.0, area - half), min(1.0, area + half)
    return Metric(name="auc", value=area, low=low, high=high, n=int(patient.size), on=on)
