"""Hospitals: the list patients are seen in, and each one's rule for the RGH."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

from appliance.core.audit import AuditAction, audited
from appliance.core.errors import HospitalNotFound
from appliance.core.hospital import Hospital
from appliance.core.ids import HospitalId
from appliance.core.names import checked_name
from appliance.core.rgh import RghRule
from appliance.ports import Clock, HospitalRecords, NewId

MAX_NAME_CHARACTERS = 200


class Unchanged(Enum):
    """Says that a value stays what it is, where None is a value of its own."""

    UNCHANGED = "unchanged"


def hospital_of(hospital_id: HospitalId, hospitals: HospitalRecords) -> Hospital:
    """Return the hospital. Raises HospitalNotFound."""
    for hospital in hospitals.hospitals():
        if hospital.id == hospital_id:
            return hospital
    raise HospitalNotFound(hospital_id=hospital_id)


def add_hospital(
    name: str,
    rgh_rule: RghRule | None,
    *,
    actor: str,
    clock: Clock,
    new_id: NewId,
    hospitals: HospitalRecords,
) -> Hospital:
    """Add a hospital. Raises NameTaken; InvalidRequest: the name is empty or too long."""
    now = clock()
    hospital = Hospital(
        id=HospitalId(new_id()), name=_checked(name), rgh_rule=rgh_rule, created_at=now
    )
    hospitals.add_hospital(
        hospital, audit=audited(AuditAction.HOSPITAL_ADDED, hospital.id, at=now, actor=actor)
    )
    return hospital


def change_hospital(
    hospital_id: HospitalId,
    *,
    name: str | None = None,
    rgh_rule: RghRule | Unchanged | None = Unchanged.UNCHANGED,
    actor: str,
    clock: Clock,
    hospitals: HospitalRecords,
) -> Hospital:
    """Rename a hospital, or give it another rule; inferences keep what they were judged by.

    Raises:
        HospitalNotFound, NameTaken, InvalidRequest.
    """
    before = hospital = hospital_of(hospital_id, hospitals)
    if name is not None:
        hospital = hospital.renamed(_checked(name))
    if not isinstance(rgh_rule, Unchanged):
        hospital = replace(hospital, rgh_rule=rgh_rule)
    hospitals.change_hospital(
        hospital,
        audit=audited(
            AuditAction.HOSPITAL_CHANGED,
            hospital.id,
            at=clock(),
            actor=actor,
            name_changed=hospital.name != before.name,
            rgh_rule_changed=hospital.rgh_rule != before.rgh_rule,
        ),
    )
    return hospital


def _checked(name: str) -> str:
    """Return the name without blanks around it."""
    return checked_name(
        name, what="The hospital's name", field="name", max_characters=MAX_NAME_CHARACTERS
    )
