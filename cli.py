"""The table of contents of `spira`: each command parses, calls one use case, prints."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

import typer

from appliance import __version__
from appliance.commands import (
    console,
    demo,
    doctor,
    export,
    hospitals,
    inferences,
    init,
    keys,
    models,
    protocols,
    serve,
    users,
)
from appliance.commands.command_line import CommandLine
from appliance.core.errors import (
    ApplianceError,
    Denied,
    LabMissing,
    Missing,
    ModelFault,
    Refused,
    StorageFault,
)

EXIT_STATUS: Final[dict[type[ApplianceError], int]] = {
    Refused: 3,
    Denied: 4,
    Missing: 5,
    ModelFault: console.EXIT_MODEL_FAULT,
    StorageFault: 7,
}
"""Exit status by family; besides: 0 well, 1 a fault of this program (with its traceback), 2 the
command line is not right, 8 `doctor` found errors, 130 stopped by Ctrl-C."""


class Spira(CommandLine):
    """`spira`, with its table."""

    statuses = EXIT_STATUS


app = typer.Typer(
    name="spira",
    cls=Spira,
    help="A patient's voice goes in, a pre-diagnosis comes out; nothing is lost.",
    epilog="Begin with: spira init --demo, then spira serve. Exit status: 0 well, 2 command line, "
    "3 refused, 4 denied, 5 missing, 6 model at fault, 7 storage at fault, 8 doctor found errors, "
    "130 stopped.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command(epilog="Example: spira init --demo --data var/spira")(init.init)
app.command(epilog="Example: spira serve --port 8443")(serve.serve)
app.command(
    epilog="Example: spira infer --form form.json --recording aceite=a.wav "
    "--recording sustentada=s.wav --recording parlenda=p.wav"
)(inferences.infer)
app.add_typer(inferences.app, name="inferences")
app.command(epilog="Example: spira export export-2026-11")(export.export)
app.add_typer(users.app, name="users")
app.add_typer(hospitals.app, name="hospitals")
app.add_typer(protocols.app, name="protocols")
app.add_typer(models.app, name="models")
app.add_typer(keys.app, name="keys")
app.command(epilog="Example: spira doctor --deep")(doctor.doctor)
app.add_typer(doctor.app, name="audit")
app.command(epilog="Example: spira openapi > openapi.json")(serve.openapi)
app.command(epilog="Example: spira demo --once")(demo.demo)


def _print_version(asked: bool) -> None:  # noqa: FBT001 - typer calls it with the option's value
    """Print the version and leave, if it was asked for."""
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def spira(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and leave."
        ),
    ] = False,
) -> None:
    """Run the SPIRA appliance and everything around it."""


@app.command("version", epilog="Example: spira version")
def print_version(*, as_json: console.JsonOption = False) -> None:
    """Print the version of this release."""
    console.show({"version": __version__}, [__version__], as_json=as_json)


# --- the lab: the only commands that need torch and MLflow, on a connected workstation ----------

_LAB: Final = ("torch", "mlflow", "onnx")

DirectoryArgument = Annotated[Path, typer.Argument(metavar="DIR", help="A model directory.")]
TrackingOption = Annotated[
    str,
    typer.Option(
        "--tracking-uri",
        envvar="MLFLOW_TRACKING_URI",
        help="Of MLflow; a SQLite file in the working directory if absent.",
    ),
]
WorkOption = Annotated[Path, typer.Option("--work", metavar="DIR", help="Working directory.")]
WORK: Final = Path("var/lab")


def _require_lab() -> None:
    """Refuse what cannot run here.

    Raises:
        LabMissing: torch or MLflow is not installed.
    """
    missing = tuple(name for name in _LAB if find_spec(name) is None)
    if missing:
        raise LabMissing(missing=missing)


@models.app.command(epilog="Example: spira models train --work var/lab")
def train(
    *,
    work: WorkOption = WORK,
    tracking_uri: TrackingOption = "",
    as_json: console.JsonOption = False,
) -> None:
    """Lab: train on synthetic voices, log to MLflow and register."""
    _require_lab()
    from models import train as training  # noqa: PLC0415 - torch is not on the box
    from models.progress import on_stderr  # noqa: PLC0415

    trained = training.train(work, tracking_uri=tracking_uri or None, progress=on_stderr)
    accuracy = trained.record.metric("accuracy").value
    console.show(
        {"model": {"directory": str(trained.directory), "accuracy": accuracy}},
        [
            f"accuracy on synthetic voices {accuracy:.3f}, in {trained.directory}",
            f"Next: spira models pack {trained.directory} --key KEY --out DIR",
        ],
        as_json=as_json,
    )


@models.app.command(epilog="Example: spira models register runs:/4f1c/model --name spira-conv")
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
    _require_lab()
    from models import registry  # noqa: PLC0415

    found = registry.register(
        model_uri,
        name=name,
        alias=alias,
        tracking_uri=tracking_uri or registry.default_tracking_uri(work),
    )
    console.show(
        {"registered": {"name": found.name, "version": found.version, "uri": found.model_uri}},
        [
            f"{found.name} version {found.version} is {alias}.",
            f"Next: spira models pull models:/{found.name}@{alias} DIR",
        ],
        as_json=as_json,
    )


@models.app.command(epilog="Example: spira models pull models:/spira-conv@candidate var/model")
def pull(
    model_uri: Annotated[str, typer.Argument(metavar="URI", help="models:/NAME@ALIAS")],
    target: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty directory.")],
    *,
    work: WorkOption = WORK,
    tracking_uri: TrackingOption = "",
    as_json: console.JsonOption = False,
) -> None:
    """Lab: fetch a model from MLflow, complete or not at all."""
    _require_lab()
    from models import registry  # noqa: PLC0415

    registry.pull(
        model_uri,
        tracking_uri=tracking_uri or registry.default_tracking_uri(work),
        target_directory=target,
    )
    console.show(
        {"model": {"directory": str(target), "uri": model_uri}},
        [f"{model_uri} is in {target}", f"Next: spira models pack {target} --key KEY --out DIR"],
        as_json=as_json,
    )


@models.app.command(epilog="Example: spira models pack var/model --key lab.key --out bundles")
def pack(
    directory: DirectoryArgument,
    *,
    key: Annotated[Path, typer.Option(help="The private key that signs.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the bundle goes.")],
    as_json: console.JsonOption = False,
) -> None:
    """Lab: export to ONNX, prove parity, sign; same inputs, same bytes."""
    _require_lab()
    from models import pack as packing  # noqa: PLC0415
    from models.progress import on_stderr  # noqa: PLC0415

    packed = packing.pack(directory, key_path=key, target_directory=out, progress=on_stderr)
    console.show(
        {"bundle": {"path": str(packed.path), "sha256": packed.sha256, "bytes": packed.n_bytes}},
        [
            f"{packed.path} ({packed.n_bytes} bytes)",
            f"Next, on the box: spira models install {packed.path.name}",
        ],
        as_json=as_json,
    )


@models.app.command(epilog="Example: spira models keygen lab.key")
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
    app()
