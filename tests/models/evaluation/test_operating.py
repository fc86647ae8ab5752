"""The rule of the operating point: it keeps what it states, and says where it cannot."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.diagnosis import Diagnosis, diagnose
from appliance.core.errors import InvalidRequest
from models.evaluation.calibration import fit_platt
from models.evaluation.operating import LEAST_ZONE, Aim, choose_point, least_patients
from models.training.metrics import wilson


def people(n: int, apart: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities of n of each label, so far apart."""
    rng = np.random.default_rng(seed)
    positive = np.arange(2 * n) < n
    logits = rng.normal(np.where(positive, apart, -apart), 1.0)
    return 1 / (1 + np.exp(-logits)), positive


@given(st.integers(60, 120), st.floats(0.2, 4.0), st.integers(0, 10**6))
def test_the_thresholds_keep_what_they_aim_at(n: int, apart: float, seed: int) -> None:
    """By the box's own decision, lower bounds of both; and a grey zone always is there.

    People who are hardly apart may by chance be so the wrong way round: then there is no point.
    """
    probability, positive = people(n, apart, seed)
    aim = Aim(sensitivity=0.85, specificity=0.8)
    if fit_platt(probability, positive) is None:
        with pytest.raises(InvalidRequest):
            choose_point(probability, positive, aim=aim, digest="d")
        return

    found = choose_point(probability, positive, aim=aim, digest="d")

    said = [diagnose(p, found.t_low, found.t_high)[0] for p in found.platt(probability)]
    kept = sum(s is not Diagnosis.NEGATIVE for s, ill in zip(said, positive, strict=True) if ill)
    cleared = sum(
        s is not Diagnosis.POSITIVE for s, ill in zip(said, positive, strict=True) if not ill
    )
    assert wilson(kept, n)[0] >= 0.85
    assert wilson(cleared, n)[0] >= 0.8
    assert 0 <= found.t_low < found.t_high <= 1
    assert found.t_high - found.t_low >= LEAST_ZONE - 1e-9


def test_t_low_is_the_highest_that_keeps_the_aim() -> None:
    """A step higher, one patient more is called negative, and the bound is broken."""
    probability, positive = people(100, 0.5, 7)
    found = choose_point(probability, positive, aim=Aim(), digest="d")
    calibrated = found.platt(probability)[positive]

    kept = int((calibrated > found.t_low).sum())
    kept_higher = int((calibrated > found.t_low + 0.002).sum())

    assert wilson(kept, 100)[0] >= 0.9
    assert kept_higher < kept or wilson(kept - 1, 100)[0] < 0.9
    assert found.t_high - found.t_low > LEAST_ZONE


def test_it_says_by_which_rule_on_whom() -> None:
    """In words, with the digest and the numbers of patients."""
    probability, positive = people(60, 1.0, 1)
    found = choose_point(probability, positive, aim=Aim(sensitivity=0.8), digest="abc")

    assert found.digest == "abc"
    assert (found.n_positive, found.n_negative) == (60, 60)
    assert "60 positive" in found.rule
    assert "at least 0.8;" in found.rule


def test_too_few_patients_are_said_to_be_too_few() -> None:
    """With how many it takes: 35 of 35 have a lower bound above 0.9, 34 of 34 have not."""
    assert least_patients(0.9) == 35
    assert wilson(34, 34)[0] < 0.9 <= wilson(35, 35)[0]
    probability, positive = people(34, 2.0, 1)

    with pytest.raises(InvalidRequest) as refusal:
        choose_point(probability, positive, aim=Aim(), digest="d")

    assert "35 are needed" in refusal.value.errors[0].message


def test_a_model_that_falls_with_the_disease_is_refused() -> None:
    """No line with a rising slope calibrates it."""
    probability, positive = people(60, 1.0, 1)

    with pytest.raises(InvalidRequest) as refusal:
        choose_point(1 - probability, positive, aim=Aim(), digest="d")

    assert refusal.value.errors[0].code == "reversed"
