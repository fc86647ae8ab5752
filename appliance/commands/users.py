"""`spira users`: who works with the box."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated

import typer

from appliance.commands.console import (
    ACTOR,
    DirectoryOption,
    JsonOption,
    opened,
    read_password,
    show,
    table,
)
from appliance.commands.hospitals import hospital_named
from appliance.commands.import_users import import_users
from appliance.commands.new_account import add_account
from appliance.core.account import Role, User
from appliance.core.audit import AuditAction, audited
from appliance.core.errors import UserNotFound
from appliance.core.generated_password import generated_password
from appliance.usecases.accounts import change_password

if TYPE_CHECKING:
    from appliance.bootstrap import Appliance

app = typer.Typer(no_args_is_help=True, help="Accounts: add, import, list, disable.")
app.command("import", epilog="Example: spira users import ward.csv --passwords slips.csv")(
    import_users
)

StdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]
GenerateOption = Annotated[
    bool, typer.Option("--generate", help="Make a password and print it once.")
]


@app.command(epilog="Example: spira users add ana --role nurse --hospital 'Outro' --generate")
def add(
    username: Annotated[str, typer.Argument(help="The name to sign in with.")],
    *,
    role: Annotated[Role, typer.Option(help="What the account is for.")] = Role.NURSE,
    email: Annotated[str, typer.Option(help="Its e-mail; NAME@BOX.local if absent.")] = "",
    hospital: Annotated[
        list[str] | None, typer.Option(help="A hospital of a nurse, by name; may be repeated.")
    ] = None,
    password_stdin: StdinOption = False,
    generate: GenerateOption = False,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add an account; the password is asked for, read or made, never an argument."""
    with opened(directory) as box:
        hospitals = tuple(hospital_named(name, box.hospitals).id for name in hospital or ())
        password = _password(password_stdin=password_stdin, generate=generate)
        user = add_account(
            box,
            username=username,
            email=email,
            password=password,
            role=role,
            hospital_ids=hospitals,
        )
    _show_one(user, password if generate else None, as_json=as_json)


@app.command("list", epilog="Example: spira users list")
def list_users(*, directory: DirectoryOption = None, as_json: JsonOption = False) -> None:
    """List all accounts."""
    with opened(directory) as box:
        users = box.accounts.users()
    rows = [(u.username, u.role.value, "active" if u.active else "disabled", u.id) for u in users]
    show(
        {"users": [_document(user) for user in users]},
        table(("username", "role", "state", "id"), rows),
        as_json=as_json,
    )


@app.command(epilog="Example: spira users passwd ana --generate")
def passwd(
    username: Annotated[str, typer.Argument(help="Whose password.")],
    *,
    password_stdin: StdinOption = False,
    generate: GenerateOption = False,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set a password; whoever is signed in with the account is signed out."""
    with opened(directory) as box:
        user = user_named(username, box)
        password = _password(password_stdin=password_stdin, generate=generate)
        change_password(
            user,
            new=password,
            confirmation=password,
            actor=ACTOR,
            common_passwords=box.common_passwords,
            clock=box.clock,
            accounts=box.accounts,
            hasher=box.hasher,
        )
    _show_one(user, password if generate else None, as_json=as_json)


@app.command(epilog="Example: spira users disable ana")
def disable(
    username: Annotated[str, typer.Argument(help="Whose account.")],
    *,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """End the use of an account at once; what it did stays."""
    with opened(directory) as box:
        user = user_named(username, box)
        entry = audited(
            AuditAction.USER_CHANGED, user.id, at=box.clock(), actor=ACTOR, active=False
        )
        user = box.accounts.change_user(user.id, active=False, audit=entry)
    _show_one(user, None, as_json=as_json)


def user_named(username: str, box: Appliance) -> User:
    """Return the account of that name, whatever its case.

    Raises:
        UserNotFound.
    """
    credentials = box.accounts.credentials(username)
    if credentials is None:
        raise UserNotFound
    return credentials.user


def _password(*, password_stdin: bool, generate: bool) -> str:
    return read_password(
        from_stdin=password_stdin,
        generated=(lambda: generated_password(secrets.choice)) if generate else None,
    )


def _document(user: User) -> dict[str, object]:
    return {
        "id": user.id,
        "username": user.username,
        "email": user.email,
        "role": user.role.value,
        "active": user.active,
        "hospitals": list(user.hospital_ids),
    }


def _show_one(user: User, password: str | None, *, as_json: bool) -> None:
    shown = {"password": password} if password else {}
    lines = [f"{user.username} ({user.role.value}), {'active' if user.active else 'disabled'}"]
    if password:
        lines.append(f"password, shown once: {password}")
    show({"user": {**_document(user), **shown}}, lines, as_json=as_json)
