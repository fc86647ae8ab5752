"""A PyTorch module that keeps the interface: `forward(**roles, metadata)`, exported as it is."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from appliance.core.errors import ModelRefused
from appliance.core.scores import PROBABILITY_OUTPUT, RAW_OUTPUT
from models.graph_run import Scored
from models.kinds.native import load_torch, refuse_pickle
from models.kinds.statement import AuthorStatement, Form, Waveforms
from models.kinds.torch_graph import encoded, export_module

_PICKLE: Final = Path("data/model.pth")
_BOTH: Final = 2


class TorchModule:
    """A module, called as the graph will be."""

    def __init__(self, module: nn.Module, statement: AuthorStatement) -> None:
        """Take a module. Raises ModelRefused: its `forward` takes other inputs."""
        self._statement = statement
        self._interface = _Interface(module, statement.inputs)

    def score(self, waveforms: Waveforms, form: Form) -> Scored:
        """Return what PyTorch says. Raises whatever the author's code raises."""
        probability, raw = self._outputs(self._arguments(waveforms, form))
        windows = np.zeros(0, np.float32) if raw is None else raw.reshape(-1).numpy()
        return Scored(probability=float(probability.reshape(-1)[0]), windows=windows)

    def graph(self, waveforms: Waveforms, form: Form) -> bytes:
        """Return the ONNX file of the module. Raises ModelRefused."""
        arguments = self._arguments(waveforms, form)
        probability, raw = self._outputs(arguments)
        if probability.numel() != 1:
            raise ModelRefused(
                f"{PROBABILITY_OUTPUT} has {probability.numel()} numbers instead of one: "
                "average in the module.",
                reason="outputs",
            )
        outputs = (PROBABILITY_OUTPUT,) if raw is None else (PROBABILITY_OUTPUT, RAW_OUTPUT)
        model = export_module(self._interface, arguments, self._statement.inputs, outputs)
        return encoded(model)

    def _arguments(self, waveforms: Waveforms, form: Form) -> tuple[Tensor, ...]:
        given = self._statement.feed(waveforms, form)
        return tuple(torch.from_numpy(given[name]) for name in self._statement.inputs)

    def _outputs(self, arguments: tuple[Tensor, ...]) -> tuple[Tensor, Tensor | None]:
        with torch.inference_mode():
            found = self._interface(*arguments)
        return found[0], found[1] if len(found) == _BOTH else None


def from_pytorch(
    directory: Path, statement: AuthorStatement, *, has_code: bool, trusted: bool
) -> TorchModule:
    """Return a model that `mlflow.pytorch` logged. Raises ModelRefused."""
    if (directory / _PICKLE).exists():
        refuse_pickle(
            "This PyTorch model", "Log it with serialization_format='pt2'", trusted=trusted
        )
    elif has_code and not trusted:
        raise ModelRefused(
            "It brings Python code of its own, which a pt2 does not need: log it without "
            "code_paths.",
            reason="code",
        )
    module = load_torch(directory, trusted=trusted)
    if not isinstance(module, nn.Module):
        raise ModelRefused(
            f"mlflow.pytorch logged a {type(module).__name__}: log an nn.Module.", reason="kind"
        )
    return TorchModule(module, statement)


class _Interface(nn.Module):
    """The module given the inputs of the graph in their order, its outputs shaped by contract."""

    def __init__(self, module: nn.Module, inputs: Sequence[str]) -> None:
        super().__init__()
        self.training = False  # not by eval(): a module that was exported once has none
        self.module = module
        self.inputs = tuple(inputs)
        self.order = _order(module, inputs)

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        by_name = dict(zip(self.inputs, given, strict=True))
        if self.order is None:
            found = self.module(**by_name)
        else:
            found = self.module(*(by_name[name] for name in self.order))
        probability, raw = _named_outputs(found)
        shaped = probability.reshape(-1)
        return (shaped,) if raw is None else (shaped, raw.reshape(1, -1))


def _order(module: nn.Module, inputs: Sequence[str]) -> tuple[str, ...] | None:
    """Return the names `forward` takes, by place; None where it takes any by name."""
    taken = inspect.signature(module.forward).parameters
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in taken.values()):
        return None
    if set(taken) != set(inputs):
        raise ModelRefused(
            f"forward() takes ({', '.join(taken)}), and bundle.toml gives "
            f"({', '.join(inputs)}): name its arguments after the roles, and `metadata`.",
            reason="inputs",
        )
    return tuple(taken)


def _named_outputs(found: Any) -> tuple[Tensor, Tensor | None]:  # noqa: ANN401 - the author's
    """Return `probability` and `raw_output`, which may be left out."""
    if isinstance(found, Mapping) and isinstance(found.get(PROBABILITY_OUTPUT), Tensor):
        return found[PROBABILITY_OUTPUT], found.get(RAW_OUTPUT)
    if isinstance(found, Tensor):
        return found, None
    if (
        isinstance(found, tuple | list)
        and len(found) == _BOTH
        and all(isinstance(part, Tensor) for part in found)
    ):
        return found[0], found[1]
    raise ModelRefused(
        f"forward() returns a {type(found).__name__}: return `probability, raw_output`.",
        reason="outputs",
    )
