"""PyTorch's exporter, as we call it: one version of the operators, and no talk of its internals."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import onnx
import torch
from onnx import ModelProto
from torch import Tensor, nn

OPSET: Final = 20
"""The newest version of the operators that the exporter writes without converting."""


def exported(
    module: nn.Module,
    arguments: tuple[Tensor, ...],
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    dynamic_shapes: Any = None,  # noqa: ANN401 - torch's own nest of dictionaries
) -> ModelProto:
    """Return what PyTorch's exporter makes of a module in evaluation mode.

    Raises:
        torch.onnx.OnnxExporterError: it does not understand the module.
    """
    with _quiet():
        program = torch.onnx.export(
            module,
            arguments,
            dynamo=True,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
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
