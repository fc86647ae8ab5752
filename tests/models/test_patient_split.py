"""Nobody is in two parts, and every part has both labels, whatever the numbers."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import InvalidRequest
from models.labelled.cases import LabelledCase, LabelledRecording
from models.training.patient_split import Part, Shares, Split, split_digest, split_patients

SHARES = Shares()


def case(patient: str, session: int = 1, *, positive: bool) -> LabelledCase:
    """A session of a patient."""
    taken = LabelledRecording(path=Path("x.wav"), sha256="0" * 64)
    return LabelledCase(
        id=f"{patient}/{session}",
        patient_id=patient,
        positive=positive,
        recordings={"frase": taken},
    )


def cases(n_positive: int, n_negative: int, n_sessions: int = 1) -> list[LabelledCase]:
    """So many patients of each label, each with so many sessions."""
    labels = {f"p{number}": True for number in range(n_positive)}
    labels |= {f"n{number}": False for number in range(n_negative)}
    return [
        case(patient, session, positive=positive)
        for patient, positive in labels.items()
        for session in range(n_sessions)
    ]


def patients(split: Split, part: Part, *, positive: bool) -> set[str]:
    """Those of a label in a part."""
    return {one.patient_id for one in split[part] if one.positive is positive}


def places(split: Split) -> dict[str, Part]:
    """Each patient's part."""
    return {one.patient_id: part for part, its_cases in split.items() for one in its_cases}


@given(
    st.integers(4, 61),
    st.integers(4, 61),
    st.integers(1, 3),
    st.integers(0, 2**32),
)
def test_every_session_is_in_the_part_of_its_patient_and_every_part_has_both_labels(
    n_positive: int, n_negative: int, n_sessions: int, seed: int
) -> None:
    """Also for odd numbers; each part is within one patient a label of its share."""
    everyone = cases(n_positive, n_negative, n_sessions)

    split = split_patients(everyone, seed=seed, shares=SHARES)

    found = [one.id for part in Part for one in split[part]]
    assert sorted(found) == sorted(one.id for one in everyone)
    for positive, n in ((True, n_positive), (False, n_negative)):
        of_parts = {part: patients(split, part, positive=positive) for part in Part}
        assert len(set().union(*of_parts.values())) == sum(map(len, of_parts.values())) == n
        for part, share in zip(Part, (0.6, 0.2, 0.2), strict=True):
            assert of_parts[part]
            assert abs(len(of_parts[part]) - share * n) <= 1


@given(st.integers(1, 9), st.integers(1, 9), st.floats(0.05, 0.6), st.floats(0.05, 0.6))
def test_few_are_split_whole_or_refused(
    n_positive: int, n_negative: int, validation: float, test: float
) -> None:
    """Never is there a part that cannot tell the labels apart."""
    shares = Shares(validation=validation, test=test)
    try:
        split = split_patients(cases(n_positive, n_negative), seed=1, shares=shares)
    except InvalidRequest:
        return
    assert all(patients(split, part, positive=label) for part in Part for label in (True, False))


@given(st.permutations(cases(5, 7)), st.integers(0, 100))
def test_the_order_of_a_table_changes_nothing(order: list[LabelledCase], seed: int) -> None:
    """A split is of patients and a seed, not of how somebody sorted rows."""
    first = split_patients(cases(5, 7), seed=seed, shares=SHARES)
    again = split_patients(order, seed=seed, shares=SHARES)
    assert places(again) == places(first)
    assert split_digest(again) == split_digest(first)


def test_another_seed_is_another_split() -> None:
    """Of forty patients."""
    everyone = cases(20, 20)
    splits = [split_patients(everyone, seed=seed, shares=SHARES) for seed in range(9)]
    assert len({split_digest(split) for split in splits}) == 9


def test_a_new_patient_moves_few_others() -> None:
    """Who is once in the test of a growing collection mostly stays out of later trainings."""
    before = places(split_patients(cases(50, 50), seed=1, shares=SHARES))
    after = places(split_patients(cases(51, 50), seed=1, shares=SHARES))
    assert sum(before[patient] is not after[patient] for patient in before) <= 2


def test_a_split_is_known_by_its_digest() -> None:
    """SHA-256 of `part patient` lines, sorted; the same wherever it is computed."""
    a, b = case("a", positive=True), case("b", positive=False)
    split = {Part.TEST: (b,), Part.TRAIN: (a, case("a", 2, positive=True)), Part.VALIDATION: ()}
    assert split_digest(split) == hashlib.sha256(b"test b\ntrain a\n").hexdigest()


@pytest.mark.parametrize(("n_positive", "n_negative"), [(2, 30), (30, 2), (0, 9), (9, 0), (3, 3)])
def test_too_few_are_refused_with_their_numbers(n_positive: int, n_negative: int) -> None:
    """And with the part that would lack somebody."""
    with pytest.raises(InvalidRequest, match="would have nobody") as refusal:
        split_patients(cases(n_positive, n_negative), seed=1, shares=SHARES)
    assert f"{n_positive} positive, {n_negative} negative" in refusal.value.detail


def test_a_patient_with_two_labels_is_refused_by_name() -> None:
    """Both sessions are named: one of them has to go, or the patient is in two classes."""
    everyone = [*cases(9, 9), case("p3", 2, positive=False)]
    with pytest.raises(InvalidRequest) as refusal:
        split_patients(everyone, seed=1, shares=SHARES)
    (fault,) = refusal.value.errors
    assert fault.field == "patient p3"
    assert "p3/0" in fault.message
    assert "p3/2" in fault.message


@pytest.mark.parametrize(
    ("validation", "test", "field"),
    [
        (0.0, 0.2, "validation_share"),
        (0.2, 0.0, "test_share"),
        (0.5, 0.5, "test_share"),
        (-0.1, 0.2, "validation_share"),
        (0.2, float("nan"), "test_share"),
    ],
)
def test_shares_that_leave_a_part_empty_are_refused(
    validation: float, test: float, field: str
) -> None:
    """By name."""
    with pytest.raises(InvalidRequest) as refusal:
        split_patients(cases(9, 9), seed=1, shares=Shares(validation=validation, test=test))
    assert [fault.field for fault in refusal.value.errors] == [field]
