"""What kind of model lies in a directory that MLflow logged, by its `MLmodel` alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml

from appliance.core.errors import ModelRefused
from models.kinds.native import NativeModel
from models.kinds.onnx_model import from_onnx
from models.kinds.pipeline import from_sklearn
from models.kinds.python_model import from_pyfunc
from models.kinds.statement import AuthorStatement
from models.kinds.torch_module import from_pytorch

_DATA: Final = "data"
_PYFUNC: Final = "python_function"
_TEMPLATE: Final = "mlflow.pyfunc.model"
TAKEN: Final = ("pytorch", "onnx", "sklearn")
"""Flavours that are taken as they are, the first of them if a model has several."""


def flavours_of(directory: Path) -> Mapping[str, Mapping[str, object]]:
    """Return flavour -> its settings. Nothing is loaded. Raises ModelRefused."""
    try:
        told = yaml.safe_load((directory / "MLmodel").read_bytes())
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise _without_flavour() from error
    found = told.get("flavors") if isinstance(told, dict) else None
    if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
        raise _without_flavour()
    return found


def _without_flavour() -> ModelRefused:
    return ModelRefused(
        "It has no MLmodel that can be read: log it with mlflow.pytorch, mlflow.onnx, "
        "mlflow.sklearn or, as in 2022, mlflow.pyfunc.",
        reason="no-flavour",
    )


def native_model(
    directory: Path, statement: AuthorStatement, *, trusted: bool
) -> tuple[str, NativeModel]:
    """Return flavour and model; a pickle is loaded only if it is trusted.

    Raises:
        ModelRefused: no kind of model that can be taken, or not made as it must be.
    """
    flavours = flavours_of(directory)
    flavour = next((name for name in TAKEN if name in flavours), _PYFUNC)
    settings = flavours.get(flavour, {})
    match flavour:
        case "pytorch":
            _require_data(settings)
            has_code = bool(settings.get("code"))
            return flavour, from_pytorch(directory, statement, has_code=has_code, trusted=trusted)
        case "onnx":
            return flavour, from_onnx(_file(directory, settings, "data"), statement)
        case "sklearn":
            model_file = _file(directory, settings, "pickled_model")
            return flavour, from_sklearn(model_file, statement, trusted=trusted)
    if settings.get("loader_module") == _TEMPLATE:
        return "pyfunc", from_pyfunc(directory, statement, trusted=trusted)
    raise ModelRefused(
        f"Its flavour is {', '.join(sorted(flavours)) or 'none'}, which cannot be taken: convert "
        "it to an ONNX graph that keeps the contract and log that with mlflow.onnx.",
        reason="flavour",
    )


def _require_data(settings: Mapping[str, object]) -> None:
    """Refuse what MLflow would look for elsewhere than we do: it would check another file."""
    if settings.get("model_data") != _DATA:
        raise ModelRefused(
            "Its MLmodel keeps the model elsewhere than in data: log it with mlflow.pytorch.",
            reason="no-flavour",
        )


def _file(directory: Path, settings: Mapping[str, object], key: str) -> Path:
    """Return the file that the setting names, which lies in the directory itself."""
    name = settings.get(key)
    if not isinstance(name, str) or name != Path(name).name or not (directory / name).is_file():
        raise ModelRefused(f"Its MLmodel names no file of its own as {key}.", reason="no-flavour")
    return directory / name
