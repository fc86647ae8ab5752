"""Agreement: known tables, symmetry, and what cannot be divided."""

from __future__ import annotations

from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.agreement import Pair, cohens_kappa, compare, mcnemar_exact
from appliance.core.diagnosis import Diagnosis
from appliance.core.ids import InferenceId

POSITIVE, NEGATIVE, INCONCLUSIVE = Diagnosis


def pair(first: Diagnosis, second: Diagnosis, *, patient: str = "p") -> Pair:
    """Return what two versions said of some inference."""
    return Pair(
        inference_id=InferenceId("i"),
        patient=patient,
        is_test=False,
        first=first,
        second=second,
        first_probability=None,
        second_probability=None,
    )


def test_cohens_kappa_of_a_table_worked_by_hand() -> None:
    """p_o = 35/50 = 0.7, p_e = (25·30 + 25·20) / 2500 = 0.5, so kappa is 0.4."""
    assert cohens_kappa([[20, 5], [10, 15]]) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("first", "second", "p"),
    [(0, 0, 1.0), (1, 1, 1.0), (0, 5, 0.0625), (5, 0, 0.0625), (2, 8, 0.109375)],
)
def test_mcnemar_is_exact(first: int, second: int, p: float) -> None:
    """2 · P(X ≤ min) for X binomial with one half: 2/32, and 2 · 56/1024."""
    assert mcnemar_exact(first, second) == p


def test_large_counts_are_no_trouble() -> None:
    """Integers do not overflow, and the quotient is a number."""
    assert 0.0 <= mcnemar_exact(3_000, 4_000) < 1e-30


def test_the_table_has_rows_of_the_first_and_columns_of_the_second() -> None:
    """Inconclusive answers count for agreement, not for McNemar."""
    pairs = [
        pair(POSITIVE, NEGATIVE),
        pair(POSITIVE, POSITIVE),
        pair(NEGATIVE, INCONCLUSIVE),
        pair(INCONCLUSIVE, INCONCLUSIVE, patient="q"),
    ]

    found = compare(pairs)

    assert found.table == ((1, 1, 0), (0, 0, 1), (0, 0, 1))
    assert (found.n_pairs, found.n_patients, found.agreement) == (4, 2, 0.5)
    assert (found.n_first_only, found.n_second_only, found.mcnemar_p) == (1, 0, 1.0)
    assert [one.is_flip for one in pairs] == [True, False, True, False]


def test_nothing_to_compare_is_told() -> None:
    """No pairs: no share and no kappa; always the same: no kappa."""
    assert (compare([]).agreement, compare([]).kappa) == (None, None)
    assert compare([pair(POSITIVE, POSITIVE)]).kappa is None


@given(st.lists(st.tuples(st.sampled_from(Diagnosis), st.sampled_from(Diagnosis)), max_size=40))
def test_who_is_first_does_not_matter(said: list[tuple[Diagnosis, Diagnosis]]) -> None:
    """Swapped, the table is transposed and all else is equal; kappa is at most 1."""
    found = compare(pair(a, b) for a, b in said)
    swapped = compare(pair(b, a) for a, b in said)

    assert swapped.table == tuple(zip(*found.table, strict=True))
    assert (swapped.agreement, swapped.mcnemar_p) == (found.agreement, found.mcnemar_p)
    if found.kappa is not None and swapped.kappa is not None:
        assert isclose(found.kappa, swapped.kappa)
        assert found.kappa <= 1.0
