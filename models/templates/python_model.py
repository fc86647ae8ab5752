"""The template of 2022: a `PythonModel` with `predict(context, [metadata, files])`.

MLflow can only pickle it, so whoever pulls it has to vouch for you (`--trust-pickle`); log the
module it wraps with `mlflow.pytorch` instead where you can. The module is kept as an attribute;
what `predict` gives must be what the module gives, and the diagnosis that of t_low and t_high.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.golden import waveform
from models.kinds.statement import AuthorStatement
from models.mlflow_import import PythonModel, mlflow


class InferenceModel(PythonModel):
    """A module between the inputs and the outputs of 2022."""

    def __init__(self, network: nn.Module, statement: AuthorStatement) -> None:
        """Keep the module, and what encodes its inputs."""
        self.network = network
        self.statement = statement

    # Without annotations: MLflow draws conclusions from them.
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
        """Return the numbers of `raw_output`, and a diagnosis.

        Args:
            context: of MLflow.
            model_input: the answers, and by role `{"content": WAV file}`, empty where there is
                none.
            params: none.
        """
        del context, params
        form, files = model_input
        given = self.statement.feed(_heard(files), form)
        with torch.inference_mode():
            probability, raw = self.network(
                *(torch.from_numpy(given[name]) for name in self.statement.inputs)
            )
        return raw[0].tolist(), self._diagnosis(float(probability))

    def _diagnosis(self, probability: float) -> str:
        point = self.statement.operating_point
        if probability >= point.t_high:
            return "positive"
        return "negative" if probability <= point.t_low else "inconclusive"


def _heard(files: Mapping[str, Mapping[str, bytes]]) -> dict[str, np.ndarray]:
    return {
        role: waveform(file["content"])
        for role, file in files.items()
        if file["content"] and role != "aceite"
    }


def log(network: nn.Module, extra_files: list[str], statement: AuthorStatement) -> str:
    """Log it in the active run, its files as artifacts; return the model's URI."""
    logged = mlflow.pyfunc.log_model(
        name="model",
        python_model=InferenceModel(network, statement),
        artifacts={Path(path).name: path for path in extra_files},
        pip_requirements=["torch"],
    )
    uri: str = logged.model_uri
    return uri
