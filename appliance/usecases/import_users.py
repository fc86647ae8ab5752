"""Add the accounts of a list: those that are here already stay as they are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from appliance.core.account import User
from appliance.core.errors import FieldError, InvalidRequest
from appliance.core.user_list import ListedUser


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """What a list comes to on this box.

    Attributes:
        new: to be added.
        here: names of accounts that are here already, with the same role.
    """

    new: tuple[ListedUser, ...]
    here: tuple[str, ...]


def planned_import(listed: Sequence[ListedUser], users: Collection[User]) -> Import:
    """Return what is to be done; repeated after it was broken off, only the rest.

    Raises:
        InvalidRequest: a name is here with another role, or an e-mail with another name.
    """
    by_name = {user.username.casefold(): user for user in users}
    emails = {user.email.casefold() for user in users}
    new, here, faults = [], [], []
    for one in listed:
        known = by_name.get(one.username.casefold())
        if known is not None and known.role is one.role:
            here.append(known.username)
        elif known is not None:
            faults.append(_fault(one, "role", f"the account is here as {known.role.value}"))
        elif one.email.casefold() in emails:
            faults.append(_fault(one, "email", "another account has it"))
        else:
            new.append(one)
    if faults:
        raise InvalidRequest(
            "The list does not fit the accounts of this box.", errors=tuple(faults)
        )
    return Import(new=tuple(new), here=tuple(here))


def _fault(listed: ListedUser, column: str, message: str) -> FieldError:
    return FieldError(field=f"line {listed.line}, {column}", code="conflict", message=message)
