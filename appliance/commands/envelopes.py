"""`spira envelopes`: what a tablet could not send, opened at the console."""

# ruff: noqa: PLC0415 - the web framework, whose reader of bodies is used, is loaded when called

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from appliance.bootstrap import Appliance
from appliance.commands.console import (
    ACTOR,
    DirectoryOption,
    JsonOption,
    opened,
    progress,
    read_json_object,
    show,
    table,
)
from appliance.core.errors import (
    ApplianceError,
    FieldError,
    InvalidRequest,
    RecordingsMissing,
    StorageFault,
)
from appliance.core.ids import parse_uuid
from appliance.ports import Stored

app = typer.Typer(no_args_is_help=True, help="Sealed items of a tablet: open.")

FORMAT: Final = "spira-sealed-1"
MAX_FILE_BYTES: Final = 512 * 1024 * 1024
EXIT_REFUSED: Final = 1


@app.command("open", epilog="Example: spira envelopes open tablet.sealed.json")
def open_envelopes(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Files exported on a tablet.")
    ],
    *,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open sealed items and store them, as if the tablet had sent them; may be repeated.

    An inference waits for its recordings, in whatever order they lie. What is refused stays in its
    file.
    """
    items = [item for path in files for item in _items(path)]
    told = progress("opening")
    with opened(directory) as box:
        outcomes, waiting = [], []
        for number, (item_id, content) in enumerate(items, start=1):
            told(f"{number} of {len(items)}")
            outcome = _outcome(item_id, content, box)
            if outcome["code"] == RecordingsMissing.code:
                waiting.append((item_id, content))
            else:
                outcomes.append(outcome)
        outcomes.extend(_outcome(item_id, content, box) for item_id, content in waiting)
    show(
        {"envelopes": outcomes},
        table(
            ("id", "state", "seq", "code"),
            [[one["id"], one["state"], one["seq"], one["code"]] for one in outcomes],
        ),
        as_json=as_json,
    )
    if any(one["state"] == "refused" for one in outcomes):
        raise typer.Exit(EXIT_REFUSED)


def _items(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield id and sealed bytes of each item of a file. Raises InvalidRequest."""
    document = read_json_object(path, max_bytes=MAX_FILE_BYTES)
    items = document.get("items")
    if document.get("format") != FORMAT or not isinstance(items, list):
        raise _no_export(path)
    for item in items:
        try:
            yield (
                parse_uuid(item["id"], field="id"),
                base64.b64decode(item["sealed"], validate=True),
            )
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise _no_export(path) from error


def _outcome(item_id: str, content: bytes, box: Appliance) -> dict[str, Any]:
    """Return what became of one item; a disk that fails ends the command."""
    from appliance.server import take_in

    try:
        receipt, stored = take_in(item_id, content, bearer=ACTOR, appliance=box)
    except StorageFault:
        raise
    except ApplianceError as error:
        return {"id": item_id, "state": "refused", "seq": None, "code": error.code}
    state = "stored" if stored is Stored.NEW else "here already"
    return {"id": item_id, "state": state, "seq": receipt.seq, "code": None}


def _no_export(path: Path) -> InvalidRequest:
    fault = FieldError(field=path.name, code="format", message="is no export of a tablet")
    return InvalidRequest(f"{path.name} is no export of a tablet.", errors=(fault,))
