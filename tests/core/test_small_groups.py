"""Patients who could be told apart are counted."""

from __future__ import annotations

from appliance.core.small_groups import K, SmallGroups


def test_a_group_is_small_until_it_has_five_patients() -> None:
    """The same patient counts once; decades, hospitals and sexes are apart."""
    groups = SmallGroups()
    for number in range(K - 1):
        groups.add(f"p{number}", hospital_id="h", age=60 + number, sex="F")
        groups.add(f"p{number}", hospital_id="h", age=60 + number, sex="F")
    assert (groups.n_groups, groups.n_patients) == (1, K - 1)
    groups.add("p9", hospital_id="h", age=69, sex="F")
    assert (groups.n_groups, groups.n_patients) == (0, 0)
    groups.add("p10", hospital_id="h", age=70, sex="F")
    groups.add("p11", hospital_id="h", age=None, sex="F")
    groups.add("p12", hospital_id="i", age=60, sex="F")
    assert (groups.n_groups, groups.n_patients) == (3, 3)


def test_a_patient_in_two_small_groups_counts_once() -> None:
    """A birthday or a move makes another group, not another patient."""
    groups = SmallGroups()
    groups.add("p1", hospital_id="h", age=39, sex="F")
    groups.add("p1", hospital_id="h", age=40, sex="F")
    groups.add("p2", hospital_id="h", age=40, sex="F")
    assert (groups.n_groups, groups.n_patients) == (2, 2)


def test_a_patient_of_a_large_group_counts_where_he_stands_in_a_small_one_too() -> None:
    """The row in the small group tells him apart."""
    groups = SmallGroups()
    for number in range(K):
        groups.add(f"p{number}", hospital_id="h", age=39, sex="F")
    groups.add("p0", hospital_id="h", age=40, sex="F")
    assert (groups.n_groups, groups.n_patients) == (1, 1)


def test_ages_over_89_are_one_group() -> None:
    """As an export tells them: 104 is told as 90."""
    groups = SmallGroups()
    for number, age in enumerate((90, 95, 99, 100, 104)):
        groups.add(f"p{number}", hospital_id="h", age=age, sex="F")
    assert (groups.n_groups, groups.n_patients) == (0, 0)
    groups.add("p9", hospital_id="h", age=89, sex="F")
    assert (groups.n_groups, groups.n_patients) == (1, 1)
