"""`spira models` and the commands of the lab, which alone need torch and MLflow."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

import typer

from appliance.commands.console import JsonOption, show
from appliance.commands.models import app
from appliance.core.errors import LabMissing

__all__ = ("app",)

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
HERE: Final = Path()


def _require_lab() -> None:
    """Refuse what cannot run here.

    Raises:
        LabMissing: torch or MLflow is not installed.
    """
    missing = tuple(name for name in _LAB if find_spec(name) is None)
    if missing:
        raise LabMissing(missing=missing)


@app.command(epilog="Example: spira models train --work var/lab")
def train(
    *,
    work: WorkOption = WORK,
    tracking_uri: TrackingOption = "",
    as_json: JsonOption = False,
) -> None:
    """Lab: train on synthetic voices, log to MLflow and register."""
    _require_lab()
    from models import train as training  # noqa: PLC0415 - torch is not on the box
    from models.progress import on_stderr  # noqa: PLC0415

    trained = training.train(work, tracking_uri=tracking_uri or None, progress=on_stderr)
    accuracy = trained.record.metric("accuracy").value
    show(
        {"model": {"directory": str(trained.directory), "accuracy": accuracy}},
        [
            f"accuracy on synthetic voices {accuracy:.3f}, in {trained.directory}",
            f"Next: spira models pack {trained.directory} --key KEY",
        ],
        as_json=as_json,
    )


@app.command(epilog="Example: spira models register runs:/4f1c/model --name spiraconv-demo")
def register(
    model_uri: Annotated[str, typer.Argument(metavar="URI", help="runs:/ID/model")],
    *,
    name: Annotated[str, typer.Option(help="Of the registered model.")],
    alias: Annotated[str, typer.Option(help="Moved to the new version.")] = "candidate",
    work: WorkOption = WORK,
    tracking_uri: TrackingOption = "",
    as_json: JsonOption = False,
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
    show(
        {"registered": {"name": found.name, "version": found.version, "uri": found.model_uri}},
        [
            f"{found.name} version {found.version} is {alias}.",
            f"Next: spira models pull models:/{found.name}@{alias} DIR",
        ],
        as_json=as_json,
    )


@app.command(epilog="Example: spira models pull models:/spiraconv-demo@candidate var/model")
def pull(
    model_uri: Annotated[str, typer.Argument(metavar="URI", help="models:/NAME@ALIAS")],
    target: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty directory.")],
    *,
    work: WorkOption = WORK,
    tracking_uri: TrackingOption = "",
    as_json: JsonOption = False,
) -> None:
    """Lab: fetch a model from MLflow, complete or not at all."""
    _require_lab()
    from models import registry  # noqa: PLC0415

    registry.pull(
        model_uri,
        tracking_uri=tracking_uri or registry.default_tracking_uri(work),
        target_directory=target,
    )
    show(
        {"model": {"directory": str(target), "uri": model_uri}},
        [f"{model_uri} is in {target}", f"Next: spira models pack {target} --key KEY"],
        as_json=as_json,
    )


@app.command(epilog="Example: spira models pack var/model --key lab.key")
def pack(
    directory: DirectoryArgument,
    *,
    key: Annotated[Path, typer.Option(help="The private key that signs.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the bundle goes.")] = HERE,
    as_json: JsonOption = False,
) -> None:
    """Lab: export to ONNX, prove parity, sign; same inputs, same bytes."""
    _require_lab()
    from models import pack as packing  # noqa: PLC0415
    from models.progress import on_stderr  # noqa: PLC0415

    packed = packing.pack(directory, key_path=key, target_directory=out, progress=on_stderr)
    show(
        {"bundle": {"path": str(packed.path), "sha256": packed.sha256, "bytes": packed.n_bytes}},
        [
            f"{packed.path} ({packed.n_bytes} bytes)",
            f"Next, on the box: spira models install {packed.path.name}",
        ],
        as_json=as_json,
    )


@app.command(epilog="Example: spira models keygen lab.key")
def keygen(
    private: Annotated[Path, typer.Argument(metavar="FILE", help="The new private key.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Lab: make a key that signs bundles; its public half goes to the hospital."""
    from models import signing  # noqa: PLC0415

    pair = signing.keygen(private)
    show(
        {"key": {"public": str(pair.public_path), "fingerprint": pair.fingerprint}},
        [
            f"{pair.private_path} signs; keep it here.",
            f"{pair.public_path} goes to the hospital. Its fingerprint, told by another way:",
            f"  {pair.fingerprint}",
        ],
        as_json=as_json,
    )
