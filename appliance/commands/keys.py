"""`spira keys`: whose signatures on bundles this box believes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from appliance.commands.console import (
    ACTOR,
    DirectoryOption,
    JsonOption,
    ask,
    opened,
    say,
    show,
    table,
)
from appliance.core.audit import AuditAction, audited
from appliance.core.errors import FieldError, InvalidRequest
from appliance.core.signing_key import KeyScope, TrustedKey, fingerprint_of
from appliance.one_server import is_served
from appliance.usecases.trust_key import trust_key

app = typer.Typer(no_args_is_help=True, help="Keys that may sign bundles for this box.")

OUTBOX_KEY: Final = "outbox.key"
N_TYPED: Final = 16
"""Characters of a fingerprint that are typed on a tablet; `ui/src/box/known.ts` has the same."""

FingerprintOption = Annotated[
    str,
    typer.Option("--fingerprint", help="The fingerprint typed back, where no one is asked."),
]


@app.command(epilog="Example: spira keys add lab.pub --name 'SPIRA lab'")
def add(
    file: Annotated[Path, typer.Argument(help="A public key, as `spira models keygen` writes it.")],
    *,
    name: Annotated[str, typer.Option(help="Whose key it is.")],
    fingerprint: FingerprintOption = "",
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Trust a key, once its fingerprint was typed back from what its owner told."""
    from appliance.bootstrap.box_keys import (  # noqa: PLC0415 - help needs no box
        demonstration_key,
        read_public_key,
    )

    key = TrustedKey(public_key=read_public_key(file), scope=KeyScope.CLINICAL, name=name)
    with opened(directory) as box:
        _confirm(key.fingerprint, fingerprint)
        stored = trust_key(
            key, demonstration=demonstration_key(), actor=ACTOR, clock=box.clock, keys=box.keys
        )
    show(
        {"key": {**_document(key), "stored": stored.value}},
        [f"{key.name} is trusted ({key.scope.value})."],
        as_json=as_json,
    )


@app.command("list", epilog="Example: spira keys list")
def list_keys(*, directory: DirectoryOption = None, as_json: JsonOption = False) -> None:
    """List the trusted keys, and how the fingerprint of this box's own outbox.key begins."""
    from appliance.bootstrap.box_keys import (  # noqa: PLC0415 - help needs no box
        outbox_public_key,
    )

    with opened(directory) as box:
        keys = box.keys.keys()
        own = outbox_public_key(box.settings)
    outbox = None if own is None else fingerprint_of(own)
    lines = [
        *table(
            ("name", "scope", "fingerprint"),
            [(key.name, key.scope.value, key.fingerprint) for key in keys],
        ),
        f"Tablets seal to {OUTBOX_KEY}; its code: {outbox[:N_TYPED] if outbox else 'none yet'}",
    ]
    document = {"keys": [_document(key) for key in keys], "outbox_key": outbox}
    show(document, lines, as_json=as_json)


@app.command(epilog="Example: spira keys revoke 5f2c…")
def revoke(
    fingerprint: Annotated[str, typer.Argument(help="As `spira keys list` prints it.")],
    *,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Trust a key no more, for ever; installed models stay."""
    with opened(directory) as box:
        entry = audited(AuditAction.KEY_REVOKED, fingerprint, at=box.clock(), actor=ACTOR)
        box.keys.revoke_key(fingerprint, audit=entry)
    show({"revoked": fingerprint}, [f"{fingerprint} is trusted no more."], as_json=as_json)


@app.command("give-up", epilog="Example: spira keys give-up outbox.key")
def give_up(
    file: Annotated[str, typer.Argument(metavar="outbox.key", help="The key that is gone.")],
    *,
    confirm: Annotated[
        str, typer.Option("--confirm", help="The file's name typed again, where no one is asked.")
    ] = "",
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that the key tablets seal to is gone for ever, and make a new one.

    What they sealed to the old one and have not delivered can never be opened. First look for
    the file in every backup.
    """
    from appliance.bootstrap.box_keys import (  # noqa: PLC0415 - help needs no box
        envelope_opener,
        is_outbox_key_lost,
        make_outbox_key,
    )

    with opened(directory) as box:
        if file != OUTBOX_KEY or not is_outbox_key_lost(box.settings):
            raise _refused("file", "here", "only an outbox.key that was given out and is gone")
        if is_served(box.settings.directory):
            # It still has the key in its memory, and takes what is sealed to it.
            raise _refused("file", "served", "a server still runs and has it; stop that first")
        say("What tablets sealed to the old key and still hold will be lost. Is there no backup?")
        typed = confirm or ask("Type outbox.key to give it up", instead="--confirm")
        if typed.strip() != OUTBOX_KEY:
            raise _refused("confirm", "mismatch", "is not outbox.key")
        box.audit.append(audited(AuditAction.KEY_GIVEN_UP, OUTBOX_KEY, at=box.clock(), actor=ACTOR))
        make_outbox_key(box.settings)
        fingerprint = fingerprint_of(envelope_opener(box.settings).public_key)
    lines = [
        f"A new {OUTBOX_KEY} is made. Back it up.",
        "Tablets that knew the old one refuse it until this is typed there, under Este aparelho:",
        fingerprint[:N_TYPED],
    ]
    show({"given_up": OUTBOX_KEY, "fingerprint": fingerprint}, lines, as_json=as_json)


def _refused(field: str, code: str, message: str) -> InvalidRequest:
    return InvalidRequest(
        f"The key is not given up: {message}; nothing was changed.",
        errors=(FieldError(field=field, code=code, message=message),),
    )


def _confirm(fingerprint: str, typed: str) -> None:
    """Refuse unless a person typed the fingerprint (spaces and case do not matter)."""
    if not typed:
        say("Type the fingerprint that the owner of the key told you.")
        typed = ask("Fingerprint", instead="--fingerprint")
    if "".join(typed.split()).lower() != fingerprint:
        raise InvalidRequest(
            "The fingerprint typed is not that of the key; nothing was changed.",
            errors=(
                FieldError(field="fingerprint", code="mismatch", message="differs from the key's"),
            ),
        )


def _document(key: TrustedKey) -> dict[str, str]:
    return {"name": key.name, "scope": key.scope.value, "fingerprint": key.fingerprint}
