"""`spira keys`: whose signatures on bundles this box believes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
from appliance.core.signing_key import KeyScope, TrustedKey
from appliance.usecases.trust_key import trust_key

app = typer.Typer(no_args_is_help=True, help="Keys that may sign bundles for this box.")

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
    """List the trusted keys."""
    with opened(directory) as box:
        keys = box.keys.keys()
    show(
        {"keys": [_document(key) for key in keys]},
        table(
            ("name", "scope", "fingerprint"),
            [(key.name, key.scope.value, key.fingerprint) for key in keys],
        ),
        as_json=as_json,
    )


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
