"""`spira audit`: the chain of who did what, and its end for keeping elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from appliance.commands.console import (
    DirectoryOption,
    JsonOption,
    opened,
    read_bytes,
    show,
)
from appliance.core.audit_head import MAX_HEAD_BYTES
from appliance.core.errors import InvalidRequest
from appliance.core.signing_key import fingerprint_of
from appliance.usecases.audit_chain import compare_head, signed_head, verify_chain
from appliance.usecases.whole_directory import write_new_file

app = typer.Typer(no_args_is_help=True, help="The chain of who did what.")


@app.command(epilog="Example: spira audit verify --head head-2026-11-25.json")
def verify(
    *,
    head: Annotated[
        Path | None,
        typer.Option("--head", metavar="FILE", help="A signed head that was kept elsewhere."),
    ] = None,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Prove that no audit row was changed, removed or put in."""
    from appliance.bootstrap import box_keys  # noqa: PLC0415 - help needs no box

    content = None if head is None else read_bytes(head, max_bytes=MAX_HEAD_BYTES)
    with opened(directory) as box:
        seq, last_hash = verify_chain(box.audit)
        compared = (
            None
            if content is None
            else compare_head(
                content,
                public_key=box_keys.box_public_key(box.settings),
                verify=box_keys.is_signed_by,
                audit=box.audit,
            )
        )
    document: dict[str, object] = {"n_rows": seq, "head": last_hash}
    lines = [f"{seq} rows, all hold. Head: {last_hash}"]
    if compared is None:
        lines.append("Next: spira audit head --sign FILE, and keep the file elsewhere.")
    else:
        document["compared"] = {"seq": compared.seq, "at": compared.at.isoformat()}
        lines.append(f"Row {compared.seq} is the one signed at {compared.at.isoformat()}.")
    show({"audit": document}, lines, as_json=as_json)


@app.command(epilog="Example: spira audit head --sign head-2026-11-25.json")
def head(
    target: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A new file for the signed head.")
    ] = None,
    *,
    sign: Annotated[
        bool, typer.Option("--sign", help="Sign it with the box's key, for keeping elsewhere.")
    ] = False,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the end of the chain; signed, it later proves that nothing was taken off."""
    from appliance.bootstrap.box_keys import box_public_key, box_signer  # noqa: PLC0415

    if target is not None and not sign:
        raise InvalidRequest("A file is written of a signed head only: add --sign.")
    with opened(directory) as box:
        seq, last_hash = box.audit.head()
        if not sign:
            key = box_public_key(box.settings)
            fingerprint = None if key is None else fingerprint_of(key)
            show(
                {"head": {"seq": seq, "hash": last_hash, "fingerprint": fingerprint}},
                [
                    f"row {seq}, hash {last_hash}",
                    f"key of this box: {fingerprint or 'none yet, --sign makes it'}",
                ],
                as_json=as_json,
            )
            return
        text = signed_head(
            box.audit,
            box_name=box.settings.box_name,
            clock=box.clock,
            signer=box_signer(box.settings),
        )
    if target is None:
        typer.echo(text, nl=False)
        return
    write_new_file(target, text)
    show(
        {"head": {"file": str(target), "seq": seq}},
        [f"{target} holds row {seq}, signed.", f"Later: spira audit verify --head {target.name}"],
        as_json=as_json,
    )
