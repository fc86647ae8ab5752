"""Nobody is in two parts, and every part has both labels, whatever the numbers."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import InvalidRequest
from models.training.patient_split import PARTS, Part, Shares, split_digest, split_patients

SHARES = Shares()


def patients(n_positive: int, n_negative: int) -> dict[str, bool]:
    """Patient -> whether positive."""
    labels = {f"p{number}": True for number in range(n_positive)}
    return labels | {f"n{number}": False for number in range(n_negative)}


@given(
    st.integers(3, 60),
    st.integers(3, 60),
    st.integers(0, 2**32),
    st.floats(0.05, 0.45),
    st.floats(0.05, 0.45),
)
def test_every_patient_is_in_one_part_and_every_part_has_both_labels(
    n_positive: int, n_negative: int, seed: int, validation: float, test: float
) -> None:
    """Also for odd numbers; each part is within one patient a label of its share."""
    labels = patients(n_positive, n_negative)
    shares = Shares(validation=validation, test=test)

    parts = split_patients(labels, seed=seed, shares=shares)

    assert parts.keys() == labels.keys()
    for label, n in ((True, n_positive), (False, n_negative)):
        found = Counter(parts[patient] for patient in labels if labels[patient] is label)
        assert set(found) == set(PARTS)
        for part, share in ((Part.VALIDATION, validation), (Part.TEST, test)):
            assert found[part] in {1, 2} or abs(found[part] - share * n) <= 1


@given(st.permutations(sorted(patients(5, 7))), st.integers(0, 100))
def test_the_order_of_a_table_changes_nothing(order: list[str], seed: int) -> None:
    """A split is of patients and a seed, not of how somebody sorted rows."""
    labels = patients(5, 7)
    shuffled = {patient: labels[patient] for patient in order}
    first = split_patients(labels, seed=seed, shares=SHARES)
    assert split_patients(shuffled, seed=seed, shares=SHARES) == first


def test_another_seed_is_another_split() -> None:
    """Of forty patients."""
    digests = {
        split_digest(split_patients(patients(20, 20), seed=seed, shares=SHARES))
        for seed in range(9)
    }
    assert len(digests) == 9


def test_a_new_patient_moves_few_others() -> None:
    """Who is once in the test of a growing collection mostly stays out of later trainings."""
    before = split_patients(patients(50, 50), seed=1, shares=SHARES)
    after = split_patients(patients(51, 50), seed=1, shares=SHARES)
    assert sum(before[patient] is not after[patient] for patient in before) <= 2


def test_a_split_is_known_by_its_digest() -> None:
    """SHA-256 of `part patient` lines, sorted; the same wherever it is computed."""
    parts = {"b": Part.TEST, "a": Part.TRAIN}
    expected = hashlib.sha256(b"test b\ntrain a\n").hexdigest()
    assert split_digest(parts) == expected


@pytest.mark.parametrize(("n_positive", "n_negative"), [(2, 30), (30, 2), (0, 9), (9, 0), (0, 0)])
def test_too_few_are_refused_with_their_numbers(n_positive: int, n_negative: int) -> None:
    """Three of each label are the least: one a part."""
    with pytest.raises(InvalidRequest) as refusal:
        split_patients(patients(n_positive, n_negative), seed=1, shares=SHARES)
    assert f"{n_positive} positive" in refusal.value.detail
    assert f"{n_negative} negative" in refusal.value.detail


@pytest.mark.parametrize(
    ("validation", "test"), [(0.0, 0.2), (0.2, 0.0), (0.5, 0.5), (-0.1, 0.2), (0.2, float("nan"))]
)
def test_shares_that_leave_a_part_empty_are_refused(validation: float, test: float) -> None:
    """By name."""
    with pytest.raises(InvalidRequest) as refusal:
        split_patients(patients(9, 9), seed=1, shares=Shares(validation=validation, test=test))
    assert refusal.value.errors
