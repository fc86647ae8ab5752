"""`spira demo`: the whole way of one inference, through the real API of a real box."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from appliance import __version__
from appliance.commands.console import JsonOption, say, show
from appliance.commands.http_client import Http, free_port
from appliance.commands.init import (
    DATABASE,
    demonstration_bundle,
    make_box,
    users_document,
)
from appliance.core.errors import AlreadyInitialised, DemonstrationFailed
from appliance.core.manifest import MANIFEST_NAME
from appliance.core.manifest_json import parse_manifest
from appliance.one_server import only_server
from appliance.settings import read_settings
from appliance.usecases.whole_directory import file_faults

SIGN_IN: Final = "demonstration.json"
"""In the data directory of a demonstration: its accounts and passwords, for the next run."""

READY_WITHIN_S: Final = 60.0
ANSWER_WITHIN_S: Final = 60.0
STOPPED_WITHIN_S: Final = 30.0
LOOK_EVERY_S: Final = 0.1

FORM: Final = {
    "rgh": "14259401E",
    "local": "Hospital das Clínicas",
    "gender": "Feminino",
    "age": "61",
    "mask_type": "NONE",
    "covid_status": "FALSE",
    "spo2": "93",
    "bpm": "88",
    "respiratory_frequency": "18",
}
"""An invented patient, spelled as the 2022 app does."""


def demo(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Stop the box after the first answer (or ONCE=1).")
    ] = False,
    directory: Annotated[
        Path,
        typer.Option(
            "--data",
            metavar="DIR",
            help="Where the demonstration box lies, whatever SPIRA_DATA says.",
        ),
    ] = Path("var/demo"),
    as_json: JsonOption = False,
) -> None:
    """Make a demonstration box, send it golden recordings, print the pre-diagnosis.

    Then the box goes on running until Ctrl-C. The next run uses it again, and makes it anew if
    this release or its model is another. A box that is not a demonstration is never touched:
    hence SPIRA_DATA, which names a real one, is not heeded here.
    """
    once = once or os.environ.get("ONCE", "") not in {"", "0"}
    # Whoever ends the demonstration politely ends its server, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    accounts = _accounts(directory.absolute())
    with _serving(directory.absolute()) as (address, process):
        found = _infer(Http(address), accounts["nurse"])
        show(
            {"address": address, "users": list(accounts.values()), **found},
            _lines(address, accounts, found),
            as_json=as_json,
        )
        if not once:
            say("The box is running. Ctrl-C stops it.")
            _wait_for_ctrl_c(process)


def _accounts(directory: Path) -> Mapping[str, dict[str, str]]:
    """Return the accounts of the demonstration by role; its box is made if need be.

    Raises:
        AlreadyInitialised: the directory holds a box that is no demonstration.
        AlreadyServing: a demonstration of another release runs there.
    """
    path = directory / SIGN_IN
    if path.exists() and not _is_current(path):
        say("The demonstration box there is not of this release.")
        _remove(directory)
    if not path.exists():
        if (directory / DATABASE).exists():
            raise AlreadyInitialised("This box is no demonstration; nothing was touched.")
        say(f"Making a demonstration box in {directory}")
        _make(directory)
    return {user["role"]: user for user in json.loads(path.read_bytes())["users"]}


def _release() -> dict[str, str]:
    """Return what a demonstration box has to be made by."""
    with demonstration_bundle().open("rb") as bundle:
        return {"version": __version__, "bundle": hashlib.file_digest(bundle, "sha256").hexdigest()}


def _is_current(path: Path) -> bool:
    """Return whether this very release made the box, and made or removed it to the end."""
    made_by = json.loads(path.read_bytes()).get("made_by")
    return made_by == _release() and (path.parent / DATABASE).exists()


def _remove(directory: Path) -> None:
    """Remove a demonstration box; the file that says that it is one goes last."""
    with only_server(directory), file_faults():
        paths = sorted(directory.iterdir(), key=lambda path: path.name == SIGN_IN)
        for path in paths:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def _make(directory: Path) -> None:
    def remember(building: Path, users: list[dict[str, str]]) -> None:
        document = {"made_by": _release(), "users": users}
        with file_faults():
            path = building / SIGN_IN
            path.touch(mode=0o600)
            path.write_text(json.dumps(document, indent=2), encoding="utf-8")

    make_box(
        read_settings({}, directory=directory),
        demo=True,
        finish=lambda building, users: remember(building, users_document(users)),
    )


@contextmanager
def _serving(directory: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Give the address and the process of the real server, ready; stop it in order.

    Raises:
        DemonstrationFailed: it does not start; its own words are in `serve.log`.
    """
    port = free_port()
    environment = {n: v for n, v in os.environ.items() if not n.startswith("SPIRA_")}
    command = [sys.executable, "-P", "-m", "cli", "serve", "--port", str(port)]
    path = directory / "serve.log"
    path.touch(mode=0o600)
    with path.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [*command, "--data", str(directory)],
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_until_ready(Http(address), process)
        yield address, process
    finally:
        _stop(process)


def _wait_for_ctrl_c(process: subprocess.Popen[bytes]) -> None:
    """Return when somebody stops the demonstration.

    Raises:
        DemonstrationFailed: its server ended by itself.
    """
    try:
        process.wait()
    except KeyboardInterrupt:
        say("Stopping.")
        return
    raise DemonstrationFailed("The server ended by itself; serve.log says why.")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to stop in order, and end it if it does not."""
    process.terminate()
    try:
        process.wait(timeout=STOPPED_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_ready(http: Http, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        if http.is_ready():
            return
        time.sleep(LOOK_EVERY_S)
    raise DemonstrationFailed("The server did not start; serve.log says why.")


def _infer(http: Http, account: Mapping[str, str]) -> dict[str, Any]:
    """Return what the API says of the golden recordings, sent as the 2022 app sends."""
    user_id = http.sign_in(account["username"], account["password"])
    home = f"/v1/users/{user_id}/inferences"
    inference_id = http.post_multipart(home, FORM, _golden_recordings())["inference_id"]
    deadline = time.monotonic() + ANSWER_WITHIN_S
    while time.monotonic() < deadline:
        found = http.get(f"{home}/{inference_id}/result")
        if found["inference"]["status"] != "processing":
            return {"inference": found["inference"], "result": found["result"]}
        time.sleep(LOOK_EVERY_S)
    raise DemonstrationFailed("There was no answer in time; serve.log says why.")


def _golden_recordings() -> dict[str, bytes]:
    """Return the recordings of the first golden case; the rhyme is its spoken consent, too."""
    with zipfile.ZipFile(demonstration_bundle()) as bundle:
        manifest = parse_manifest(bundle.read(MANIFEST_NAME))
        case = manifest.golden.cases[0]
        recordings = {role: bundle.read(name) for role, name in case.recordings.items()}
    return {"aceite": recordings["parlenda"], **recordings}


def _lines(
    address: str, accounts: Mapping[str, Mapping[str, str]], found: Mapping[str, Any]
) -> Iterator[str]:
    result = found["result"]
    because = f" ({result['reason']})" if result["reason"] else ""
    yield f"pre-diagnosis: {result['diagnosis']}{because}"
    yield f"  model: {result['model_name']} {result['model_version']}"
    if result["probability"] is not None:
        yield f"  probability: {result['probability']:.3f}"
    yield "  DEMONSTRATION: this says nothing of a patient."
    yield f"web app: {address}/ (sign in as the nurse)"
    yield f"API: {address}/v1/, described at {address}/schema (with an admin's token)"
    for user in accounts.values():
        yield f"  {user['role']:<10}  {user['username']:<10}  {user['password']}"
