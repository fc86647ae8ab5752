"""The two pieces of the graph that PyTorch exports: the front end, and the score of a window."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import onnx
import torch
from onnx import ModelProto
from torch import Tensor, nn

from models.spiraconv.front_end import Cepstrum, MelDecibels
from models.spiraconv.network import N_FRAMES, N_MFCC, MishByOneExp, SpiraConv
from models.spiraconv.parameters import Parameters
from models.spiraconv.windows import STEP

OPSET: Final = 20
"""The newest version of the operators that the exporter writes without converting."""

# Sizes seen while tracing; the exported graph does not depend on them.
_TRACED_SECONDS: Final = 7
_TRACED_WINDOWS: Final = 4
_MOST_SECONDS: Final = 4 * 150


class _WindowScore(nn.Module):
    """Decibels of one window in, its probability out."""

    def __init__(self, cepstrum: Cepstrum, network: SpiraConv) -> None:
        super().__init__()
        self.cepstrum = cepstrum
        self.network = network

    def forward(self, decibels: Tensor) -> Tensor:
        """Return float32[1] of float32[401, 40]."""
        return torch.sigmoid(self.network(self.cepstrum(decibels).unsqueeze(0)))


def front_end(parameters: Parameters) -> ModelProto:
    """Return `samples` [16,000 n], `first_rows` [w] -> `decibels` [w, 401, 40]."""
    seconds = torch.export.Dim("n_seconds", min=4, max=_MOST_SECONDS)
    windows = torch.export.Dim("n_windows")
    arguments = (
        torch.zeros(_TRACED_SECONDS * STEP),
        torch.arange(_TRACED_WINDOWS, dtype=torch.int64) * 100,
    )
    return _exported(
        MelDecibels(dict(parameters.filters)),
        arguments,
        inputs=["samples", "first_rows"],
        output="decibels",
        dynamic_shapes=({0: STEP * seconds}, {0: windows}),
    )


def window_score(parameters: Parameters) -> ModelProto:
    """Return `decibels` [401, 40] -> `probability` [1]."""
    module = _WindowScore(Cepstrum(dict(parameters.filters)), parameters.build(MishByOneExp))
    arguments = (torch.zeros(N_FRAMES, N_MFCC),)
    return _exported(module, arguments, inputs=["decibels"], output="probability")


def _exported(
    module: nn.Module,
    arguments: tuple[Tensor, ...],
    *,
    inputs: list[str],
    output: str,
    dynamic_shapes: Any = None,  # noqa: ANN401 - torch's own nest of dictionaries
) -> ModelProto:
    with _quiet():
        program = torch.onnx.export(
            module.eval(),
            arguments,
            dynamo=True,
            opset_version=OPSET,
            input_names=inputs,
            output_names=[output],
            dynamic_shapes=dynamic_shapes,
            verbose=False,
        )
    if program is None:
        message = "the exporter returned nothing"
        raise RuntimeError(message)
    return onnx.ModelProto.FromString(program.model_proto.SerializeToString())


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's advice about its own internals from those who cannot follow it."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
