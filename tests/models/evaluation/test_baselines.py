"""Baselines: what the form or the lengths tell, fitted without the patient they are asked of."""

from __future__ import annotations

import numpy as np
import pytest

from models.evaluation.areas import area
from models.evaluation.baselines import cross_validated, form_columns
from models.labelled.cases import LabelledCase


def cases(forms: list[dict[str, object]], *, sessions: int = 1) -> list[LabelledCase]:
    """Return cases, every second one positive, so many of each patient."""
    return [
        LabelledCase(
            id=f"{number:03}/{session}",
            patient_id=f"{number:03}",
            positive=number % 2 == 0,
            recordings={},
            form=form,
        )
        for number, form in enumerate(forms)
        for session in range(sessions)
    ]


def labels(everyone: list[LabelledCase]) -> np.ndarray:
    """Return whether each is positive."""
    return np.array([case.positive for case in everyone])


def test_fields_that_half_of_the_patients_answer_are_columns() -> None:
    """Numbers alone; a truth value or a text is none."""
    forms: list[dict[str, object]] = [
        {"age": 50, "spo2": 97.5, "bpm": True, "respiratory_frequency": "fast"},
        {"age": 60},
        {"age": 70, "spo2": 91},
        {"spo2": None},
    ]

    names, columns = form_columns(cases(forms))

    assert names == ("age", "spo2")
    expected = np.array([[50, 97.5], [60, np.nan], [70, 91], [np.nan, np.nan]])
    assert np.array_equal(columns, expected, equal_nan=True)


def test_a_column_that_tells_is_found() -> None:
    """And that it is missing tells, too, where only controls were not asked."""
    rng = np.random.default_rng(0)
    told: list[dict[str, object]] = [
        {"spo2": float(rng.normal(90 if number % 2 == 0 else 97, 2))} for number in range(60)
    ]
    missing: list[dict[str, object]] = [
        {"age": float(rng.normal(60, 9))} if number % 2 == 0 or number % 5 else {}
        for number in range(60)
    ]
    for forms, least in ((told, 0.95), (missing, 0.52)):
        everyone = cases(forms)
        _, columns = form_columns(everyone)
        scores = cross_validated(columns, everyone, seed=1)
        assert area(scores, labels(everyone)) > least


def test_a_patient_is_never_in_the_fit_that_is_asked_of_them() -> None:
    """A column that is the patient's own number tells nothing of a patient never seen."""
    rng = np.random.default_rng(2)
    forms: list[dict[str, object]] = [{"age": float(rng.normal())} for _ in range(40)]
    everyone = cases(forms, sessions=6)
    own = np.zeros((len(everyone), 40))
    for row, case in enumerate(everyone):
        own[row, int(case.patient_id)] = 1.0

    found = area(cross_validated(own, everyone, seed=3), labels(everyone))

    # Had any session of the patient been in the fit, it would be near 1.
    assert found == pytest.approx(0.5, abs=0.15)


def test_the_seed_decides_the_folds() -> None:
    """The same seed, the same answers."""
    rng = np.random.default_rng(4)
    everyone = cases([{"age": float(rng.normal())} for _ in range(40)])
    _, columns = form_columns(everyone)
    first, again, other = (cross_validated(columns, everyone, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
