"""The `PythonModel` of 2022: its torch module is exported, and its `predict` held to the graph.

The template's contract: `predict(context, [metadata, files])`, files by role as
`{"content": bytes}`, empty where there is none; it returns a list of numbers and a diagnosis.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from torch import nn

from appliance.core.diagnosis import diagnose
from appliance.core.errors import ModelRefused
from models.graph_run import Scored
from models.kinds.native import load_python_model, refuse_pickle
from models.kinds.statement import AuthorStatement, Form
from models.kinds.torch_module import TorchModule

FILES: Final = ("aceite", "sustentada", "parlenda", "frase")
_PAIR: Final = 2


class PythonModel2022(TorchModule):
    """The wrapped module, as a module of any author; and what the template around it says."""

    def __init__(self, loaded: Any, statement: AuthorStatement) -> None:  # noqa: ANN401
        """Take what MLflow loaded. Raises ModelRefused: it wraps no module, or several."""
        super().__init__(_wrapped(loaded.unwrap_python_model()), statement)
        self._loaded = loaded

    def disagreement(
        self, form: Form, recordings: Mapping[str, bytes], graph: Scored, tolerance: float
    ) -> str | None:
        """Return in words where `predict` says other than the graph, None where they agree."""
        files = {role: {"content": recordings.get(role, b"")} for role in FILES}
        said = self._loaded.predict([dict(form), files])
        if not isinstance(said, tuple | list) or len(said) != _PAIR:
            return f"predict gives a {type(said).__name__}, not a list of numbers and a diagnosis"
        numbers, diagnosis = np.asarray(said[0], dtype=np.float64).reshape(-1), str(said[1])
        point = self._statement.operating_point
        expected, _ = diagnose(graph.probability, point.t_low, point.t_high)
        if diagnosis != expected:
            return f"predict says {diagnosis}, the graph by t_low and t_high {expected}"
        for own in (graph.windows, np.array([graph.probability])):
            if own.shape == numbers.shape and np.abs(own - numbers).max() <= tolerance:
                return None
        return (
            f"predict gives {numbers[:4].round(5).tolist()}, the graph "
            f"{graph.windows[:4].round(5).tolist()} and probability {graph.probability:.5f}"
        )


def from_pyfunc(directory: Path, statement: AuthorStatement, *, trusted: bool) -> PythonModel2022:
    """Return a model that `mlflow.pyfunc` logged. Raises ModelRefused."""
    refuse_pickle(
        "This PythonModel", "Log the module it wraps with mlflow.pytorch", trusted=trusted
    )
    return PythonModel2022(load_python_model(directory, trusted=trusted), statement)


def _wrapped(python_model: object) -> nn.Module:
    modules = {
        name: value for name, value in vars(python_model).items() if isinstance(value, nn.Module)
    }
    if len(modules) != 1:
        found = f"it has {', '.join(modules)}" if modules else "it has none"
        raise ModelRefused(
            "A PythonModel must keep one torch module as an attribute, set in __init__ or "
            f"load_context; {found}. Log other models with mlflow.pytorch, mlflow.onnx or "
            "mlflow.sklearn.",
            reason="kind",
        )
    return next(iter(modules.values())).eval()
