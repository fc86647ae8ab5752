"""`spira`: the table of contents of all commands, and those of the lab.

A command is loaded when it is run, from `appliance/commands`. Only this file imports `models`,
and only to run a command of the lab.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

from appliance.commands.stopped import EXIT_STOPPED, tell_stopped

try:
    import typer

    from appliance.commands import console
    from appliance.commands.command_line import CommandLine, Listed
    from appliance.commands.lab import WORK, TrackingOption, WorkOption, require_lab
    from appliance.commands.version import VersionOption
    from appliance.core import errors
    from cli_evaluate import EXAMPLES as EVALUATING
    from cli_evaluate import evaluate
    from cli_train import EXAMPLES, train
except KeyboardInterrupt:  # a stop while loading is a stop, too
    tell_stopped(as_json="--json" in sys.argv)
    sys.exit(EXIT_STOPPED)

EXIT_STATUS: Final[dict[type[errors.ApplianceError], int]] = {
    errors.Refused: 3,
    errors.Denied: 4,
    errors.Missing: 5,
    errors.ModelFault: console.EXIT_MODEL_FAULT,
    errors.StorageFault: 7,
}
"""Exit status by family; besides: 0 well, 1 a fault of this program (with its traceback), 2 the
command line is not right, 8 `doctor` or `verify` found errors, 130 stopped by Ctrl-C."""

COMMANDS: Final[Sequence[Listed]] = (
    Listed(
        "init",
        "Make a box: data directory, keys, protocol, first admin; passwords shown once.",
        "appliance.commands.init:init",
        example="spira init --demo --data var/spira",
    ),
    Listed(
        "serve",
        "Serve the API and compute results until told to stop (Ctrl-C or SIGTERM).",
        "appliance.commands.serve:serve",
        example="spira serve --port 8443",
    ),
    Listed(
        "infer",
        "Send form and recordings the way of all others, and print the pre-diagnosis.",
        "appliance.commands.inferences:infer",
        example="spira infer --form form.json --recording aceite=a.wav "
        "--recording sustentada=s.wav --recording parlenda=p.wav",
    ),
    Listed(
        "export",
        "Write inferences, results and recordings as CSV; nothing names a patient.",
        "appliance.commands.export:export",
        example="spira export export-2026-11",
    ),
    Listed(
        "replay",
        "Run past results again from what is stored: each must agree to 0.0001.",
        "appliance.commands.replay:replay",
        example="spira replay 4f1c9a52-…",
    ),
    Listed(
        "rescore",
        "Run stored inferences through another version; no nurse sees or waits for it.",
        "appliance.commands.rescore:rescore",
        example="spira rescore --model spiraconv-demo@1.1.0",
    ),
    Listed(
        "doctor",
        "Look at the whole box and say what is wrong, what it does, and what to do.",
        "appliance.commands.doctor:doctor",
        example="spira doctor --deep",
    ),
    Listed(
        "verify",
        "Read everything on the box and say what is not as it was written.",
        "appliance.commands.verify:verify",
        example="spira verify",
    ),
    Listed(
        "openapi",
        "Print the OpenAPI document of the API: JSON with or without --json.",
        "appliance.commands.serve:openapi",
        example="spira openapi > openapi.json",
    ),
    Listed(
        "demo",
        "Make a demonstration box, send it golden recordings, print the pre-diagnosis.",
        "appliance.commands.demo:demo",
        example="spira demo --once",
    ),
    Listed(
        *("version", "Print the version of this release."),
        "appliance.commands.version:version",
        example="spira version",
    ),
    Listed("inferences", "Inferences: list, show, withdraw.", "appliance.commands.inferences:app"),
    Listed("envelopes", "Sealed items of a tablet: open.", "appliance.commands.envelopes:app"),
    Listed("tablets", "Enrolled tablets: enrol, list, revoke.", "appliance.commands.tablets:app"),
    Listed("users", "Accounts: add, import, list, disable.", "appliance.commands.users:app"),
    Listed("hospitals", "Hospitals, each with an RGH rule.", "appliance.commands.hospitals:app"),
    Listed("protocols", "Protocols: form, recordings, limits.", "appliance.commands.protocols:app"),
    Listed(
        "models",
        "Models: bundles on the box; training in the lab.",
        "appliance.commands.models:app",
        more="cli:lab",
    ),
    Listed("keys", "Keys that may sign bundles for this box.", "appliance.commands.keys:app"),
    Listed("audit", "The chain of who did what.", "appliance.commands.audit:app"),
)


class Spira(CommandLine):
    """`spira`, with its table."""

    statuses = EXIT_STATUS
    listed = COMMANDS


app = typer.Typer(
    name="spira",
    cls=Spira,
    help="A patient's voice goes in, a pre-diagnosis comes out; nothing is lost.",
    epilog="Begin with: spira init --demo, then spira serve. Exit status: 0 well, 2 command line, "
    "3 refused, 4 denied, 5 missing, 6 model at fault, 7 storage at fault, 8 errors were found, "
    "130 stopped.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def spira(*, version: VersionOption = False) -> None:
    """Run the SPIRA appliance and everything around it."""


def main() -> None:
    """Run `spira`; stopped while a command loads, it ends as it would later."""
    try:
        app()
    except KeyboardInterrupt:
        tell_stopped(as_json="--json" in sys.argv)
        sys.exit(EXIT_STOPPED)


# --- the lab: the only commands that need torch and MLflow, on a connected workstation ----------

lab = typer.Typer()

DirectoryArgument = Annotated[Path, typer.Argument(metavar="DIR", help="A model directory.")]
HERE: Final = Path()


lab.command(epilog=EXAMPLES)(train)
lab.command(epilog=EVALUATING)(evaluate)


@lab.command(epilog="Example: spira models register runs:/4f1c/model --name spiraconv-demo")
def register(
    model_uri: Annotated[str, typer.Argument(metavar="URI", help="runs:/ID/model")],
    *,
    name: Annotated[str, typer.Option(help="Of the registered model.")],
    alias: Annotated[str, typer.Option(help="Moved to the new version.")] = "candidate",
    work: WorkOption = WORK,
    tracking_uri: TrackingOption = "",
    as_json: console.JsonOption = False,
) -> None:
    """Lab: make a logged model the next version of a registered one."""
    require_lab()
    from models import registry  # noqa: PLC0415

    uri = tracking_uri or registry.default_tracking_uri(work)
    found = registry.register(model_uri, name=name, alias=alias, tracking_uri=uri)
    console.show(
        {"registered": {"name": found.name, "version": found.version, "uri": found.model_uri}},
        [
            f"{found.name} version {found.version} is {alias}.",
            f"Next: spira models pull models:/{found.name}@{alias} DIR",
        ],
        as_json=as_json,
    )


@lab.command(epilog="Example: spira models pull models:/spiraconv-demo@candidate var/model")
def pull(
    model_uri: Annotated[str, typer.Argument(metavar="URI", help="models:/NAME@ALIAS")],
    target: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty directory.")],
    *,
    work: WorkOption = WORK,
    tracking_uri: TrackingOption = "",
    as_json: console.JsonOption = False,
) -> None:
    """Lab: fetch a model from MLflow, complete or not at all."""
    require_lab()
    from models import registry  # noqa: PLC0415

    uri = tracking_uri or registry.default_tracking_uri(work)
    registry.pull(model_uri, tracking_uri=uri, target_directory=target)
    console.show(
        {"model": {"directory": str(target), "uri": model_uri}},
        [f"{model_uri} is in {target}", f"Next: spira models pack {target} --key KEY"],
        as_json=as_json,
    )


@lab.command(epilog="Example: spira models pack var/model --key lab.key")
def pack(
    directory: DirectoryArgument,
    *,
    key: Annotated[Path, typer.Option(help="The private key that signs.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the bundle goes.")] = HERE,
    as_json: console.JsonOption = False,
) -> None:
    """Lab: export to ONNX, prove parity, sign; same inputs, same bytes."""
    require_lab()
    from models import pack as packing  # noqa: PLC0415
    from models.progress import on_stderr  # noqa: PLC0415

    packed = packing.pack(directory, key_path=key, target_directory=out, progress=on_stderr)
    bundle = {"path": str(packed.path), "sha256": packed.sha256, "bytes": packed.n_bytes}
    console.show(
        {"bundle": {**bundle, "warnings": list(packed.warnings)}},
        [
            *packed.warnings,
            f"{packed.path} ({packed.n_bytes} bytes)",
            f"Next, on the box: spira models install {packed.path.name}",
        ],
        as_json=as_json,
    )


@lab.command(epilog="Example: spira models keygen lab.key")
def keygen(
    private: Annotated[Path, typer.Argument(metavar="FILE", help="The new private key.")],
    *,
    as_json: console.JsonOption = False,
) -> None:
    """Lab: make a key that signs bundles; its public half goes to the hospital."""
    from models import signing  # noqa: PLC0415

    pair = signing.keygen(private)
    console.show(
        {"key": {"public": str(pair.public_path), "fingerprint": pair.fingerprint}},
        [
            f"{pair.private_path} signs; keep it here.",
            f"{pair.public_path} goes to the hospital. Its fingerprint, told by another way:",
            f"  {pair.fingerprint}",
        ],
        as_json=as_json,
    )


if __name__ == "__main__":
    main()
