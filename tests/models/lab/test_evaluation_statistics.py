"""Areas, lines and calibration against scikit-learn and SciPy, which the lab has by MLflow."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score, roc_curve

from models.evaluation.areas import area, draw_patients, roc_points
from models.evaluation.calibration import calibration, fit_platt
from models.evaluation.logistic import fit_logistic, logit
from models.training.metrics import wilson

Arrays = tuple[NDArray[np.float64], NDArray[np.bool_]]


@pytest.fixture(scope="module")
def scored() -> Arrays:
    """Return 300 probabilities, with ties, too sure of themselves."""
    rng = np.random.default_rng(11)
    positive = rng.random(300) < 0.4
    logits = rng.normal(np.where(positive, 0.7, -0.5), 1.3) * 2
    return np.round(1 / (1 + np.exp(-logits)), 2), positive


def test_areas_and_points(scored: Arrays) -> None:
    """The same area, and all of scikit-learn's points."""
    probability, positive = scored
    assert area(probability, positive) == pytest.approx(roc_auc_score(positive, probability))
    x, y, _ = roc_curve(positive, probability, drop_intermediate=False)
    assert np.array(roc_points(probability, positive)) == pytest.approx(np.column_stack((x, y)))


@pytest.mark.parametrize(("n_right", "n"), [(0, 7), (3, 9), (54, 54), (47, 54), (191, 200)])
def test_wilson_is_scipys(n_right: int, n: int) -> None:
    """At the bounds, too."""
    expected = binomtest(n_right, n).proportion_ci(method="wilson")
    assert wilson(n_right, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize("ridge", [0.0, 1.0, 25.0])
def test_a_logistic_fit(ridge: float) -> None:
    """Scikit-learn's C is one over the ridge, and leaves the intercept alone, too."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(150, 3))
    y = (rng.random(150) < 1 / (1 + np.exp(-(x @ [1.0, -0.5, 0.0] + 0.3)))).astype(np.float64)
    expected = LogisticRegression(C=1 / ridge if ridge else np.inf, tol=1e-10, max_iter=1_000)
    expected.fit(x, y)

    found = fit_logistic(x, y, ridge=ridge)

    assert found is not None
    assert found.coefficients[1:] == pytest.approx(expected.coef_[0], abs=1e-5)
    assert found.coefficients[0] == pytest.approx(expected.intercept_[0], abs=1e-5)


def test_calibration_slope_and_brier(scored: Arrays) -> None:
    """Of probabilities too sure of themselves the slope is far under 1."""
    probability, positive = scored
    draws = draw_patients([str(i) for i in range(300)], positive, n_draws=1_000, seed=0)
    line = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1_000)
    line.fit(logit(probability)[:, None], positive)

    found = calibration(probability, positive, draws)

    assert found.brier.value == pytest.approx(brier_score_loss(positive, probability))
    assert found.brier.low < found.brier.value < found.brier.high
    assert found.slope is not None
    assert found.slope.value == pytest.approx(line.coef_[0, 0], abs=1e-5)
    assert found.slope.high < 1
    assert sum(one.n for one in found.bins) == 300
    said = [one.said for one in found.bins]
    assert said == sorted(said)


def test_calibration_in_the_large(scored: Arrays) -> None:
    """With the intercept, the mean probability is the share of patients."""
    probability, positive = scored
    draws = draw_patients([str(i) for i in range(300)], positive, n_draws=100, seed=0)

    found = calibration(probability, positive, draws).intercept

    assert found is not None
    moved = 1 / (1 + np.exp(-(logit(probability) + found.value)))
    assert moved.mean() == pytest.approx(positive.mean())


def test_the_error_of_a_slope_is_that_of_many_samples() -> None:
    """About 95 of 100 intervals hold the slope that the samples were drawn with."""
    rng = np.random.default_rng(8)
    held = 0
    for _ in range(200):
        logits = rng.normal(size=200)
        positive = rng.random(200) < 1 / (1 + np.exp(-0.6 * logits))
        probability = 1 / (1 + np.exp(-logits))
        draws = draw_patients([str(i) for i in range(200)], positive, n_draws=2, seed=0)
        slope = calibration(probability, positive, draws).slope
        assert slope is not None
        held += slope.low <= 0.6 <= slope.high
    assert 180 <= held <= 199


def test_platt_undoes_what_was_too_sure(scored: Arrays) -> None:
    """After it, slope 1 and intercept 0 lie within the intervals; the order stays."""
    probability, positive = scored
    platt = fit_platt(probability, positive)
    assert platt is not None
    draws = draw_patients([str(i) for i in range(300)], positive, n_draws=100, seed=0)

    after = calibration(platt(probability), positive, draws)

    assert after.slope is not None
    assert after.intercept is not None
    assert after.slope.low < 1 < after.slope.high
    assert after.intercept.low < 0 < after.intercept.high
    assert area(platt(probability), positive) == pytest.approx(area(probability, positive))


def test_separated_labels_have_no_slope_but_platt_has_a_line() -> None:
    """Nothing diverges, and few cases do not make the model sure."""
    probability = np.array([0.1, 0.2, 0.3, 0.7, 0.8, 0.9])
    positive = np.arange(6) >= 3
    draws = draw_patients([str(i) for i in range(6)], positive, n_draws=10, seed=0)

    assert calibration(probability, positive, draws).slope is None
    platt = fit_platt(probability, positive)
    assert platt is not None
    assert platt(probability).max() < 0.9
