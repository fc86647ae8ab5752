"""An ONNX model that keeps the contract already: nothing to export, but everything to check."""

from __future__ import annotations

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import ModelProto

from appliance.core.errors import ModelRefused
from models.first_line import first_line
from models.graph_run import GraphRun, Scored
from models.kinds.statement import AuthorStatement, Form, Waveforms
from models.kinds.torch_graph import encoded, named

_N_AXES = 2


class OnnxModel:
    """A graph as its author made it, in ONNX Runtime: what it says is what it is held to."""

    def __init__(self, model: ModelProto, statement: AuthorStatement) -> None:
        """Take a graph. Raises ModelRefused: ONNX finds fault with it, or it has other inputs."""
        declared = tuple(value.name for value in model.graph.input)
        if sorted(declared) != sorted(statement.inputs):
            raise ModelRefused(
                f"The graph's inputs are ({', '.join(declared)}), and bundle.toml gives "
                f"({', '.join(statement.inputs)}): name them after the roles, and `metadata`.",
                reason="inputs",
            )
        if any(len(value.type.tensor_type.shape.dim) != _N_AXES for value in model.graph.input):
            raise ModelRefused(
                "An input of the graph is not [1, n]: give every recording a first axis of one.",
                reason="inputs",
            )
        self._content = encoded(named(model, statement.inputs))
        self._run = GraphRun(self._content, statement.role_names, statement.answers)

    def score(self, waveforms: Waveforms, form: Form) -> Scored:
        """Return what ONNX Runtime says. Raises PredictionFailed."""
        return self._run(waveforms, form)

    def graph(self, waveforms: Waveforms, form: Form) -> bytes:
        """Return the file, without traces of its maker."""
        del waveforms, form
        return self._content


def from_onnx(path: Path, statement: AuthorStatement) -> OnnxModel:
    """Return a model that `mlflow.onnx` logged as this file. Raises ModelRefused.

    MLflow keeps large numbers of a graph in files beside it: they become part of the one file.
    """
    try:
        model = onnx.load(path)
    except (DecodeError, onnx.checker.ValidationError, OSError, ValueError) as error:
        raise ModelRefused(
            f"The file that was logged is no ONNX, or lacks a part: {first_line(error)}",
            reason="graph",
        ) from error
    return OnnxModel(model, statement)
