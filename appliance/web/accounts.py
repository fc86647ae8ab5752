"""Users, and how they sign in and out."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final

from litestar import Controller, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from appliance.bootstrap import Appliance
from appliance.core.account import User
from appliance.core.audit import AuditAction, audited
from appliance.core.errors import FieldError, InvalidRequest, OwnAccount
from appliance.core.ids import HospitalId, UserId, parse_uuid
from appliance.usecases.accounts import (
    NewUser,
    add_user,
    change_password,
    confirm_password,
)
from appliance.web import wire
from appliance.web.bodies import NewPasswordBody, NewUserBody, UserChangeBody
from appliance.web.described import Link, leads_to, may_fail, takes_json
from appliance.web.guards import ADMIN, own_path_or_admin
from appliance.web.requests import BoxRequest
from appliance.web.turns import Turns

MAX_ACCOUNT_BYTES: Final = 16 * 1024
APP: Final = "pwa"
"""What the web app says it is when it signs somebody in."""

_OF_ONESELF: Final = tuple(
    Link(to=request, on=200, ids={"user_id": "$response.body#/id"})
    for request in (
        "GET /v1/users/{user_id}",
        "GET /v1/users/{user_id}/inferences",
        "POST /v1/users/{user_id}/inferences",
        "PUT /v1/users/{user_id}/recordings/{recording_id}",
    )
)


class UserController(Controller):
    """Accounts: admins keep them, everyone sees their own."""

    path = "/v1/users"
    tags = ("accounts",)

    @post(
        guards=(ADMIN,),
        status_code=HTTPStatus.OK,
        request_max_body_size=MAX_ACCOUNT_BYTES,
        opt=takes_json(NewUserBody),
        responses=may_fail(400, 401, 403, 404, 413, 415, 422),
    )
    async def register(
        self,
        request: BoxRequest,
        appliance: NamedDependency[Appliance],
        hashing: NamedDependency[Turns],
    ) -> wire.Message:
        """Add an account."""
        sent = await request.read_json(NewUserBody)
        asked = NewUser(
            username=sent.username,
            email=sent.email,
            password=sent.password,
            password_confirmation=sent.password_confirmation,
            role=sent.role,
            hospital_ids=_hospital_ids(sent.hospitals),
        )
        async with hashing.turn(known=True):
            await asyncio.to_thread(
                add_user,
                asked,
                actor=request.user.id,
                common_passwords=appliance.common_passwords,
                clock=appliance.clock,
                new_id=appliance.new_id,
                accounts=appliance.accounts,
                hasher=appliance.hasher,
            )
        return wire.Message(message="user registered!")

    @get(guards=(ADMIN,), responses=may_fail(401, 403), sync_to_thread=True)
    def list_users(self, appliance: NamedDependency[Appliance]) -> wire.Users:
        """Return all accounts by username."""
        return wire.Users(users=[wire.user(user) for user in appliance.accounts.users()])

    @get("/me", opt=leads_to(*_OF_ONESELF), responses=may_fail(401), sync_to_thread=False)
    def me(self, request: BoxRequest) -> wire.UserWire:
        """Return the account of this token."""
        return wire.user(request.user)

    @get(
        "/{user_id:str}",
        guards=(own_path_or_admin,),
        responses=may_fail(401, 403, 404, 422),
        sync_to_thread=True,
    )
    def show(self, user_id: FromPath[str], appliance: NamedDependency[Appliance]) -> wire.UserWire:
        """Return an account."""
        return wire.user(_user(user_id, appliance))

    @patch(
        "/{user_id:str}",
        guards=(ADMIN,),
        request_max_body_size=MAX_ACCOUNT_BYTES,
        opt=takes_json(UserChangeBody),
        responses=may_fail(400, 401, 403, 404, 413, 415, 422),
    )
    async def change(
        self, user_id: FromPath[str], request: BoxRequest, appliance: NamedDependency[Appliance]
    ) -> wire.UserWire:
        """Change role, state or hospitals; a changed role or state ends the user's tokens."""
        sent = await request.read_json(UserChangeBody)
        target = UserId(parse_uuid(user_id, field="user_id"))
        _refuse_own_end(target, sent, request.user)
        hospital_ids = None if sent.hospitals is None else _hospital_ids(sent.hospitals)
        changed = await asyncio.to_thread(
            appliance.accounts.change_user,
            target,
            role=sent.role,
            active=sent.active,
            hospital_ids=hospital_ids,
            audit=audited(
                AuditAction.USER_CHANGED,
                target,
                at=appliance.clock(),
                actor=request.user.id,
                role=sent.role,
                active=sent.active,
                hospital_ids=None if hospital_ids is None else " ".join(hospital_ids),
            ),
        )
        return wire.user(changed)

    @post(
        "/{user_id:str}/password",
        guards=(own_path_or_admin,),
        status_code=HTTPStatus.OK,
        request_max_body_size=MAX_ACCOUNT_BYTES,
        opt=takes_json(NewPasswordBody),
        responses=may_fail(400, 401, 403, 404, 413, 415, 422, 429),
    )
    async def set_password(
        self,
        user_id: FromPath[str],
        request: BoxRequest,
        appliance: NamedDependency[Appliance],
        hashing: NamedDependency[Turns],
    ) -> wire.Message:
        """Set a password; all tokens of the user end. Users name their old one."""
        sent = await request.read_json(NewPasswordBody)
        user = await asyncio.to_thread(_user, user_id, appliance)
        async with hashing.turn(known=True):
            await asyncio.to_thread(_set_password, user, sent, request, appliance)
        return wire.Message(message="password changed!")


def _user(user_id: str, appliance: Appliance) -> User:
    return appliance.accounts.user(UserId(parse_uuid(user_id, field="user_id")))


def _refuse_own_end(target: UserId, sent: UserChangeBody, admin: User) -> None:
    """Refuse admins who would end their own rights, so that there is always one left."""
    demoted = sent.role not in {None, admin.role}
    if target == admin.id and (demoted or sent.active is False):
        raise OwnAccount


def _set_password(
    user: User, sent: NewPasswordBody, request: BoxRequest, appliance: Appliance
) -> None:
    """Set the password; only an admin who sets another's need not know the old one."""
    if user.id == request.user.id:
        if sent.old_password is None:
            fault = FieldError(field="old_password", code="required", message="is missing")
            raise InvalidRequest(errors=(fault,))
        confirm_password(
            user,
            sent.old_password,
            place=request.address,
            clock=appliance.clock,
            accounts=appliance.accounts,
            hasher=appliance.hasher,
        )
    change_password(
        user,
        new=sent.password,
        confirmation=sent.password_confirmation,
        actor=request.user.id,
        common_passwords=appliance.common_passwords,
        clock=appliance.clock,
        accounts=appliance.accounts,
        hasher=appliance.hasher,
    )


def _hospital_ids(ids: list[str]) -> tuple[HospitalId, ...]:
    """Return each id once, in the order given."""
    parsed = (HospitalId(parse_uuid(text, field="hospitals")) for text in ids)
    return tuple(dict.fromkeys(parsed))
