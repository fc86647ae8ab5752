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
