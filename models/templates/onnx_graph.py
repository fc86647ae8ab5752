"""An ONNX model that keeps the contract, made by means of its author, logged with `mlflow.onnx`."""

from __future__ import annotations

import torch
from torch import nn

from models.kinds.statement import AuthorStatement
from models.mlflow_import import mlflow
from models.onnx_export.exporting import exported


def log(network: nn.Module, statement: AuthorStatement, extra_files: list[str]) -> str:
    """Log a graph in the active run; return the model's URI.

    Its inputs are named after roles, and `metadata`, its outputs `probability` [1] and, if you
    like, `raw_output` [1, k]. It may come from anywhere: here it comes from PyTorch.
    """
    names = statement.role_names
    lengths = [*((16_000 + place) for place in range(len(names))), len(statement.metadata)]
    open_length = {1: torch.export.Dim.DYNAMIC}
    graph = exported(
        network,
        tuple(torch.zeros(1, length) for length in lengths),
        inputs=statement.inputs,
        outputs=("probability", "raw_output"),
        dynamic_shapes=(*(open_length for _ in names), None),
    )
    logged = mlflow.onnx.log_model(
        graph, name="model", extra_files=extra_files, pip_requirements=["onnxruntime"]
    )
    uri: str = logged.model_uri
    return uri
