"""`spira init`: make a box."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final

import typer

from appliance.bootstrap import make_box_files, open_appliance
from appliance.bootstrap.box_keys import demonstration_key
from appliance.commands.console import ACTOR, DirectoryOption, JsonOption, say, settings_for, show
from appliance.core.errors import AlreadyInitialised
from appliance.core.generated_password import generated_password
from appliance.settings import Settings
from appliance.usecases.box import FirstUser, NewBox, furnish, furnish_demonstration
from appliance.usecases.whole_directory import file_faults, whole_directory

PROTOCOL: Final = "spira-2022.1.json"
DATABASE: Final = "records.db"
_SHIPPED: Final = Path(str(files("appliance")))


def init(
    *,
    demo: Annotated[
        bool, typer.Option("--demo", help="Add hospitals, a nurse, a researcher and a model.")
    ] = False,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a box: data directory, keys, protocol, first admin; passwords shown once."""
    settings = settings_for(directory)
    say(f"Making a box in {settings.directory}")
    users = make_box(settings, demo=demo)
    show({"users": users_document(users)}, _lines(settings, users, demo=demo), as_json=as_json)


def make_box(
    settings: Settings,
    *,
    demo: bool,
    finish: Callable[[Path, tuple[FirstUser, ...]], None] = lambda _directory, _users: None,
) -> tuple[FirstUser, ...]:
    """Make a box, whole or not at all, and return who may sign in.

    Args:
        settings: where it shall lie.
        demo: furnish it for a demonstration.
        finish: adds to the directory before it appears.

    Raises:
        AlreadyInitialised, TargetNotEmpty: nothing was touched.
        TargetUnwritable, DiskFull.
    """
    with file_faults():
        if (settings.directory / DATABASE).exists():
            raise AlreadyInitialised
    with whole_directory(settings.directory, marker=DATABASE) as building:
        keys = settings.keys
        if keys.is_relative_to(settings.directory):
            keys = building / keys.relative_to(settings.directory)
        users = _furnished(replace(settings, directory=building, keys=keys), demo=demo)
        finish(building, users)
    return users


def users_document(users: tuple[FirstUser, ...]) -> list[dict[str, str]]:
    """Return the accounts with their passwords, for the one time they are shown."""
    return [
        {"username": user.username, "password": user.password, "role": user.role.value}
        for user in users
    ]


def demonstration_bundle() -> Path:
    """Return the bundle of the demonstration model that ships with this release."""
    return next((_SHIPPED / "demonstration").glob("*.spira"))


def _furnished(settings: Settings, *, demo: bool) -> tuple[FirstUser, ...]:
    with file_faults():
        make_box_files(settings)
    with open_appliance(settings) as appliance:
        box = NewBox(
            actor=ACTOR,
            box_name=settings.box_name,
            common_passwords=appliance.common_passwords,
            new_password=lambda: generated_password(secrets.choice),
            clock=appliance.clock,
            new_id=appliance.new_id,
            accounts=appliance.accounts,
            hospitals=appliance.hospitals,
            protocols=appliance.protocols,
            audit=appliance.audit,
            hasher=appliance.hasher,
        )
        users = (furnish((_SHIPPED / "protocols" / PROTOCOL).read_bytes(), box=box),)
        if not demo:
            return users
        others = furnish_demonstration(
            demonstration_bundle(), demonstration_key(), box=box, room=appliance.model_room()
        )
        return (*users, *others)


def _lines(settings: Settings, users: tuple[FirstUser, ...], *, demo: bool) -> Iterator[str]:
    yield f"A new box is in {settings.directory}"
    yield "Passwords, shown this once:"
    for user in users:
        yield f"  {user.role.value:<10}  {user.username:<10}  {user.password}"
    if demo:
        yield "Its model is a DEMONSTRATION: what it says means nothing of a patient."
    else:
        yield "Next: spira hospitals add NAME, spira keys add FILE, spira models install FILE"
    yield f"Then: spira serve --data {settings.directory}"
