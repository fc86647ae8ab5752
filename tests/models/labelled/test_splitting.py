"""Parts and folds: no patient in two of them, whatever the seed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.labelled.cases import LabelledCase
from models.labelled.splitting import folds, parts


def cases(n_positive: int, n_negative: int, *, sessions: int = 2) -> list[LabelledCase]:
    """Return cases of so many patients, each with so many sessions."""
    return [
        LabelledCase(
            id=f"{patient}/{session}",
            patient_id=str(patient),
            positive=patient < n_positive,
            recordings={},
        )
        for patient in range(n_positive + n_negative)
        for session in range(sessions)
    ]


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32), st.floats(0.1, 0.9))
def test_parts_share_no_patient_and_lose_no_case(
    n_positive: int, n_negative: int, seed: int, share: float
) -> None:
    """Each label is divided by the same shares, to the nearest patient."""
    everyone = cases(n_positive, n_negative)

    found = parts(everyone, {"validation": share, "test": 1 - share}, seed=seed)

    patients = {name: {case.patient_id for case in part} for name, part in found.items()}
    assert not patients["validation"] & patients["test"]
    assert sorted(c.id for part in found.values() for c in part) == sorted(c.id for c in everyone)
    n_found = sum(case.positive for case in found["validation"]) / 2
    assert abs(n_found - share * n_positive) <= 0.5


def test_the_seed_decides_and_nothing_else_does() -> None:
    """The same seed gives the same parts in whatever order, another seed others."""
    everyone = cases(20, 20)
    shares = {"a": 0.5, "b": 0.5}

    first = parts(everyone, shares, seed=1)
    again = parts(everyone[::-1], shares, seed=1)
    other = parts(everyone, shares, seed=2)

    assert {c.id for c in first["a"]} == {c.id for c in again["a"]}
    assert {c.id for c in first["a"]} != {c.id for c in other["a"]}


@given(st.integers(2, 30), st.integers(2, 30), st.integers(2, 10), st.integers(0, 99))
def test_folds_share_no_patient_and_spread_the_labels(
    n_positive: int, n_negative: int, n_folds: int, seed: int
) -> None:
    """No two folds differ by more than one patient of a label."""
    everyone = cases(n_positive, n_negative)

    found = folds(everyone, n_folds, seed=seed)

    of_patient: dict[str, set[int]] = {}
    for case, fold in zip(everyone, found, strict=True):
        of_patient.setdefault(case.patient_id, set()).add(fold)
    assert all(len(own) == 1 for own in of_patient.values())
    counts = [
        sum(case.positive and own == fold for case, own in zip(everyone, found, strict=True)) // 2
        for fold in range(n_folds)
    ]
    assert max(counts) - min(counts) <= 1


def test_shares_and_folds_that_are_none_are_refused() -> None:
    """They would lose patients in silence."""
    with pytest.raises(ValueError, match="together 1"):
        parts(cases(2, 2), {"a": 0.5, "b": 0.4}, seed=0)
    with pytest.raises(ValueError, match="above 0"):
        parts(cases(2, 2), {"a": 1.0, "b": 0.0}, seed=0)
    with pytest.raises(ValueError, match="two folds"):
        folds(cases(2, 2), 1, seed=0)
