"""What the commands of the lab share: they need torch and MLflow, on a connected workstation."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from appliance.core.errors import LabMissing

WORK: Final = Path("var/lab")

TrackingOption: TypeAlias = Annotated[
    str,
    typer.Option("--tracking-uri", envvar="MLFLOW_TRACKING_URI", help="Else a file in --work."),
]
WorkOption: TypeAlias = Annotated[
    Path, typer.Option("--work", metavar="DIR", help="Working directory.")
]

_LAB: Final = ("torch", "mlflow", "onnx", "boto3")


def require_lab() -> None:
    """Refuse what cannot run here. Raises LabMissing."""
    missing = tuple(name for name in _LAB if find_spec(name) is None)
    if missing:
        raise LabMissing(missing=missing)
