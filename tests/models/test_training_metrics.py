"""Intervals, areas and the grey zone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.training.metrics import GreyZone, grey_zone, metrics, wilson

probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=40)


def test_the_interval_of_a_published_figure() -> None:
    """47 of 54 patients found: 75.6 % to 93.6 %."""
    assert wilson(47, 54) == pytest.approx((0.756, 0.936), abs=5e-4)


@given(st.integers(0, 300), st.integers(1, 300))
def test_an_interval_holds_its_share_and_stays_within_bounds(n_right: int, n: int) -> None:
    """Also for none and all, where simpler intervals have no width."""
    n_right = min(n_right, n)
    low, high = wilson(n_right, n)
    assert 0 <= low <= n_right / n <= high <= 1
    assert high - low > 0


def test_an_interval_of_nobody_is_refused() -> None:
    """There is no share of none."""
    with pytest.raises(ValueError, match="at least one"):
        wilson(0, 0)


@given(probabilities, probabilities)
def test_a_grey_zone_always_exists(patients: list[float], controls: list[float]) -> None:
    """Even between classes that no probability mixes up."""
    found = np.array([*patients, *controls])
    label = np.array([1.0] * len(patients) + [0.0] * len(controls))
    zone = grey_zone(found, label)
    assert 0 <= zone.t_low <= 0.45
    assert 0.55 <= zone.t_high <= 1


def test_metrics_count_what_they_say() -> None:
    """Four people, one of whom is in the grey zone and one wrong."""
    found = np.array([0.9, 0.4, 0.1, 0.8])
    label = np.array([1.0, 1.0, 0.0, 0.0])
    by_name = {
        m.name: m for m in metrics(found, label, GreyZone(t_low=0.2, t_high=0.7), on="four people")
    }
    assert by_name["accuracy"].value == 0.5
    assert by_name["sensitivity"].value == 0.5
    assert by_name["specificity"].value == 0.5
    assert by_name["share_decided"].value == 0.75
    assert by_name["accuracy_decided"].value == pytest.approx(2 / 3)
    assert by_name["sensitivity_decided"].n == 1
    assert by_name["auc"].value == 0.75
    assert by_name["accuracy"].n == 4


def test_at_the_operating_point_everybody_counts() -> None:
    """One of two patients is called positive, the other is in the grey zone: not found."""
    found = np.array([0.9, 0.4, 0.1, 0.8])
    label = np.array([1.0, 1.0, 0.0, 0.0])
    by_name = {
        m.name: m for m in metrics(found, label, GreyZone(t_low=0.2, t_high=0.7), on="four people")
    }
    for name in ("sensitivity_at_point", "specificity_at_point"):
        assert (by_name[name].value, by_name[name].n) == (0.5, 2)
        assert (by_name[name].low, by_name[name].high) == wilson(1, 2)


def test_a_share_of_nobody_is_left_out() -> None:
    """Where all are in the grey zone, nothing is said of the decided."""
    found, label = np.array([0.5, 0.5]), np.array([1.0, 0.0])
    names = {m.name for m in metrics(found, label, GreyZone(t_low=0.2, t_high=0.7), on="two")}
    assert not any(name.endswith("_decided") and name != "share_decided" for name in names)
    assert "share_decided" in names
