"""What every filler of HospitalRecords promises."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core.errors import HospitalNotFound, NameTaken
from appliance.core.ids import HospitalId
from tests.builders import a_hospital, an_audit
from tests.contracts.records import Records, n_audited


def test_a_hospital_comes_back_as_added(records: Records) -> None:
    """Name and rule survive, with and without a rule; the list is by name without case."""
    with_rule = a_hospital(name="outro")
    without = a_hospital(id=HospitalId("hospital-2"), name="Hospital A", rgh_rule=None)
    for hospital in (with_rule, without):
        records.hospitals.add_hospital(hospital, audit=an_audit())
    assert records.hospitals.hospitals() == (without, with_rule)


def test_a_name_is_taken_once(records: Records) -> None:
    """Neither a new hospital nor a renamed one gets a name that is there, whatever its case."""
    first, second = a_hospital(), a_hospital(id=HospitalId("hospital-2"), name="Outro")
    records.hospitals.add_hospital(first, audit=an_audit())
    records.hospitals.add_hospital(second, audit=an_audit())
    taken = a_hospital(id=HospitalId("hospital-3"), name="HOSPITAL DAS CLÍNICAS")
    with pytest.raises(NameTaken):
        records.hospitals.add_hospital(taken, audit=an_audit())
    with pytest.raises(NameTaken):
        records.hospitals.change_hospital(a_hospital(id=second.id), audit=an_audit())
    assert records.hospitals.hospitals() == (first, second)
    assert n_audited(records) == 2


def test_name_and_rule_change(records: Records) -> None:
    """A hospital may change the case of its name; the rule alone leaves no former name."""
    records.hospitals.add_hospital(a_hospital(), audit=an_audit())
    changed = a_hospital(rgh_rule=None)
    records.hospitals.change_hospital(changed, audit=an_audit())
    assert records.hospitals.hospitals() == (changed,)
    louder = replace(changed, name="HOSPITAL DAS CLÍNICAS")
    records.hospitals.change_hospital(louder, audit=an_audit())
    assert records.hospitals.hospitals() == (replace(louder, former_names=(changed.name,)),)


def test_a_former_name_is_kept_for_ever_and_is_nobody_else_s(records: Records) -> None:
    """Not even a hospital that is renamed again gets one of another; its own may come back."""
    first, second = a_hospital(name="A"), a_hospital(id=HospitalId("hospital-2"), name="Outro")
    for hospital in (first, second):
        records.hospitals.add_hospital(hospital, audit=an_audit())
    for name in ("B", "C"):
        records.hospitals.change_hospital(replace(first, name=name), audit=an_audit())
    assert records.hospitals.hospitals()[0].names == ("C", "A", "B")
    with pytest.raises(NameTaken):
        records.hospitals.add_hospital(
            a_hospital(id=HospitalId("hospital-3"), name="a"), audit=an_audit()
        )
    with pytest.raises(NameTaken):
        records.hospitals.change_hospital(replace(second, name="b"), audit=an_audit())
    records.hospitals.change_hospital(first, audit=an_audit())
    (back, _) = records.hospitals.hospitals()
    assert (back.name, sorted(back.former_names)) == ("A", ["B", "C"])


def test_an_unknown_hospital_cannot_change(records: Records) -> None:
    """Its id says which one is meant."""
    with pytest.raises(HospitalNotFound):
        records.hospitals.change_hospital(a_hospital(), audit=an_audit())
