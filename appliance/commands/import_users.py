"""`spira users import`: the accounts of a ward from IT's spreadsheet."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Final

import typer

from appliance.commands.console import (
    DirectoryOption,
    JsonOption,
    opened,
    progress,
    read_utf8,
    show,
)
from appliance.commands.new_account import add_account
from appliance.core.csv_text import csv_row
from appliance.core.generated_password import generated_password
from appliance.core.user_list import ListedUser, read_user_list
from appliance.usecases.import_users import planned_import
from appliance.usecases.whole_directory import write_new_file

MAX_FILE_BYTES: Final = 4 * 1024 * 1024


def import_users(
    file: Annotated[
        Path, typer.Argument(help="CSV with username and, as wanted, role, email, hospitals.")
    ],
    *,
    passwords: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to write the passwords made; must be new."),
    ] = None,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add all accounts of a list; without --passwords it only tells what would be done.

    Several hospitals of one nurse are divided by |. The list is checked whole before anything is
    changed. Accounts that are here already stay as they are: broken off, it may be run again,
    with another file for the passwords of the rest.
    """
    with opened(directory) as box:
        ids = {hospital.name: hospital.id for hospital in box.hospitals.hospitals()}
        text = read_utf8(file, max_bytes=MAX_FILE_BYTES)
        listed = read_user_list(text, hospitals=frozenset(ids), box_name=box.settings.box_name)
        plan = planned_import(listed, box.accounts.users())
        made = [(one, generated_password(secrets.choice)) for one in plan.new]
        if passwords is not None and made:
            write_new_file(passwords, _slips(made), mode=0o600)
            told = progress("accounts added")
            for number, (one, password) in enumerate(made, start=1):
                add_account(
                    box,
                    username=one.username,
                    email=one.email,
                    password=password,
                    role=one.role,
                    hospital_ids=tuple(ids[name] for name in one.hospitals),
                )
                told(f"{number} of {len(made)}")
    added = passwords is not None
    document = {
        "added" if added else "to_add": [one.username for one in plan.new],
        "here_already": list(plan.here),
    }
    if added and made:
        last = f"Their passwords are in {passwords}: hand them out, then delete it."
    else:
        last = "Nothing was changed." if added else "Nothing was changed; add --passwords FILE."
    verb = "added" if added else "to be added"
    lines = [f"{len(made)} accounts {verb}, {len(plan.here)} here already.", last]
    show(document, lines, as_json=as_json)


def _slips(made: list[tuple[ListedUser, str]]) -> str:
    rows = (("username", "password"), *((one.username, password) for one, password in made))
    return "".join(csv_row(row) for row in rows)
