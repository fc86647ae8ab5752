"""`spira protocols`: what is asked, and what is recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from appliance.commands.console import (
    ACTOR,
    DirectoryOption,
    JsonOption,
    opened,
    read_bytes,
    show,
    table,
)
from appliance.core.ids import ProtocolId
from appliance.core.protocol import parse_protocol
from appliance.usecases.protocols import activate_protocol, install_protocol

app = typer.Typer(no_args_is_help=True, help="Protocols: form, recordings, limits.")

FileArgument = Annotated[Path, typer.Argument(help="A protocol document (JSON).")]


@app.command(epilog="Example: spira protocols validate spira-2022.1.json")
def validate(file: FileArgument, *, as_json: JsonOption = False) -> None:
    """Check a document whole; needs no box."""
    protocol = parse_protocol(read_bytes(file))
    show(
        {"protocol": {"id": protocol.id, "sha256": protocol.sha256, "title": protocol.title}},
        [
            f"{protocol.id} is valid.",
            f"{len(protocol.fields)} fields, {len(protocol.recordings)} recordings",
        ],
        as_json=as_json,
    )


@app.command(epilog="Example: spira protocols install spira-2022.1.json")
def install(
    file: FileArgument, *, directory: DirectoryOption = None, as_json: JsonOption = False
) -> None:
    """Install a document; it never changes again."""
    document = read_bytes(file)
    with opened(directory) as box:
        protocol, stored = install_protocol(
            document, actor=ACTOR, clock=box.clock, protocols=box.protocols
        )
    show(
        {"protocol": {"id": protocol.id, "sha256": protocol.sha256, "stored": stored.value}},
        [
            f"{protocol.id} is installed.",
            f"Next: spira protocols activate {protocol.id}",
        ],
        as_json=as_json,
    )


@app.command("list", epilog="Example: spira protocols list")
def list_protocols(*, directory: DirectoryOption = None, as_json: JsonOption = False) -> None:
    """List the installed protocols."""
    with opened(directory) as box:
        protocols = box.protocols.protocols()
    rows = [(p.id, "active" if p.active else "-", p.title, p.sha256[:12]) for p in protocols]
    show(
        {
            "protocols": [
                {
                    "id": p.id,
                    "title": p.title,
                    "sha256": p.sha256,
                    "active": p.active,
                    "installed_at": p.installed_at.isoformat(),
                }
                for p in protocols
            ]
        },
        table(("id", "state", "title", "sha256"), rows),
        as_json=as_json,
    )


@app.command(epilog="Example: spira protocols activate spira-2022.1")
def activate(
    protocol_id: Annotated[str, typer.Argument(metavar="ID", help="An installed protocol.")],
    *,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let new work begin under a protocol; older ones stay valid for theirs."""
    with opened(directory) as box:
        activate_protocol(
            ProtocolId(protocol_id), actor=ACTOR, clock=box.clock, protocols=box.protocols
        )
    show({"active": protocol_id}, [f"{protocol_id} is active."], as_json=as_json)
