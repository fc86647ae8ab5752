"""An account that the console adds: one at a time, or from a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.commands.console import ACTOR
from appliance.core.account import Role, User, own_email
from appliance.core.ids import HospitalId
from appliance.usecases.accounts import NewUser, add_user

if TYPE_CHECKING:
    from appliance.bootstrap import Appliance


def add_account(
    box: Appliance,
    *,
    username: str,
    email: str,
    password: str,
    role: Role,
    hospital_ids: tuple[HospitalId, ...],
) -> User:
    """Add an account; without an e-mail it gets one of the box's own. Raises as `add_user` does."""
    return add_user(
        NewUser(
            username=username,
            email=email or own_email(username, box_name=box.settings.box_name),
            password=password,
            password_confirmation=password,
            role=role,
            hospital_ids=hospital_ids,
        ),
        actor=ACTOR,
        common_passwords=box.common_passwords,
        clock=box.clock,
        new_id=box.new_id,
        accounts=box.accounts,
        hasher=box.hasher,
    )
