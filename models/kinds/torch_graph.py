"""A whole torch module as one graph of a bundle, with names for what is open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import onnx
import torch
from onnx import ModelProto
from onnx.inliner import inline_local_functions
from torch import Tensor, nn

from appliance.core.errors import ModelRefused
from appliance.core.manifest import METADATA_INPUT
from models.first_line import first_line
from models.onnx_export.clean import strip
from models.onnx_export.exporting import exported

IR_VERSION: Final = 10
_PRODUCER: Final = "spira"


def export_module(
    module: nn.Module, arguments: tuple[Tensor, ...], inputs: Sequence[str], outputs: Sequence[str]
) -> ModelProto:
    """Return the graph of a module whose recordings may have any length.

    Args:
        module: takes the arguments by place.
        arguments: float32[1, n] each, an example.
        inputs, outputs: their names.

    Raises:
        ModelRefused: the exporter does not understand a line, or fixes a length.
    """
    open_length = {1: torch.export.Dim.DYNAMIC}
    shapes = tuple(None if name == METADATA_INPUT else open_length for name in inputs)
    try:
        model = exported(
            module, arguments, inputs=inputs, outputs=outputs, dynamic_shapes=(shapes,)
        )
    except (torch.onnx.OnnxExporterError, torch._dynamo.exc.TorchDynamoException) as error:  # noqa: SLF001 - public by use
        raise _not_exportable(error) from error
    return named(inline_local_functions(model), inputs)


def named(model: ModelProto, inputs: Sequence[str]) -> ModelProto:
    """Return the model with open lengths called after their inputs, and no trace of its maker."""
    strip(model.graph)
    for value in model.graph.input:
        length = value.type.tensor_type.shape.dim[1]
        if value.name != METADATA_INPUT and value.name in inputs:
            length.Clear()
            length.dim_param = f"n_{value.name}"
    used = {node.domain for node in model.graph.node} | {""}
    # Merged graphs import a domain as often as they are parts.
    versions = {o.domain: o.version for o in model.opset_import if o.domain in used}
    del model.opset_import[:]
    model.opset_import.extend(onnx.helper.make_opsetid(*opset) for opset in versions.items())
    del model.metadata_props[:]
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version, model.doc_string = _PRODUCER, "", ""
    return model


def encoded(model: ModelProto) -> bytes:
    """Return the bytes; the same model gives the same. Raises ModelRefused: it is malformed."""
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ModelRefused(f"ONNX finds fault with the graph: {error}", reason="graph") from error
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _not_exportable(error: BaseException) -> ModelRefused:
    """Say which line of the author's code the exporter stumbled over."""
    innermost = error
    while (cause := innermost.__cause__) is not None:
        innermost = cause
    reason = first_line(innermost)
    return ModelRefused(
        f"PyTorch cannot export the module: {reason}. Use tensor operations alone: no Python `if` "
        "or loop that depends on samples, no length fixed while tracing.",
        reason="not-exportable",
    )
