"""Furnish a new box: protocol, accounts and, for a demonstration, hospitals and a model."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.core.account import Role, own_email
from appliance.core.audit import AuditAction, audited
from appliance.core.ids import HospitalId
from appliance.core.rgh import HC_RULE
from appliance.core.signing_key import TrustedKey
from appliance.ports import (
    AccountRecords,
    AuditRecords,
    Clock,
    HospitalRecords,
    NewId,
    PasswordHasher,
    ProtocolRecords,
)
from appliance.usecases.accounts import NewUser, add_user
from appliance.usecases.hospitals import add_hospital
from appliance.usecases.install_model import install_bundle
from appliance.usecases.models import ModelRoom, activate_version
from appliance.usecases.protocols import install_protocol

HOSPITALS: Final = (("Hospital das Clínicas", HC_RULE), ("Outro", None))
"""The list of a demonstration, each with its rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBox:
    """What a box is furnished with, and for whom."""

    actor: str
    box_name: str
    common_passwords: Collection[str]
    new_password: Callable[[], str]
    clock: Clock
    new_id: NewId
    accounts: AccountRecords
    hospitals: HospitalRecords
    protocols: ProtocolRecords
    audit: AuditRecords
    hasher: PasswordHasher


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstUser:
    """An account with its password, to be shown once."""

    username: str
    password: str
    role: Role


def furnish(protocol: bytes, *, box: NewBox) -> FirstUser:
    """Install the protocol, which becomes active, and add the first admin.

    Raises:
        ProtocolInvalid: the document shipped with this release is damaged.
    """
    install_protocol(protocol, actor=box.actor, clock=box.clock, protocols=box.protocols)
    admin = _first_user("admin", Role.ADMIN, (), box)
    box.audit.append(
        audited(AuditAction.BOX_INITIALISED, box.new_id(), at=box.clock(), actor=box.actor)
    )
    return admin


def furnish_demonstration(
    bundle: Path, key: TrustedKey, *, box: NewBox, room: ModelRoom
) -> tuple[FirstUser, FirstUser]:
    """Add hospitals, a nurse and a researcher, and let the demonstration model answer.

    Raises:
        BundleUntrusted, BundleRefused, GraphRefused, GoldenMismatch: the bundle shipped with
            this release does not suit this machine.
    """
    hospital_ids = tuple(
        add_hospital(
            name,
            rule,
            actor=box.actor,
            clock=box.clock,
            new_id=box.new_id,
            hospitals=box.hospitals,
        ).id
        for name, rule in HOSPITALS
    )
    room.keys.add_key(
        key,
        audit=audited(
            AuditAction.KEY_ADDED,
            key.fingerprint,
            at=box.clock(),
            actor=box.actor,
            scope=key.scope.value,
        ),
    )
    version, _ = install_bundle(bundle, actor=box.actor, room=room)
    activate_version(version, default=True, actor=box.actor, room=room)
    return (
        _first_user("nurse", Role.NURSE, hospital_ids, box),
        _first_user("researcher", Role.RESEARCHER, (), box),
    )


def _first_user(
    username: str, role: Role, hospital_ids: tuple[HospitalId, ...], box: NewBox
) -> FirstUser:
    password = box.new_password()
    add_user(
        NewUser(
            username=username,
            email=own_email(username, box_name=box.box_name),
            password=password,
            password_confirmation=password,
            role=role,
            hospital_ids=hospital_ids,
        ),
        actor=box.actor,
        common_passwords=box.common_passwords,
        clock=box.clock,
        new_id=box.new_id,
        accounts=box.accounts,
        hasher=box.hasher,
    )
    return FirstUser(username=username, password=password, role=role)
