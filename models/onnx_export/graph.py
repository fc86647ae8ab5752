"""The pieces put together: recordings are cut, all windows of all roles go through one Scan.

A role that is absent (`[1, 0]`) has no samples and no windows. The roles are laid end to end
first, since ONNX Runtime fails on a Scan over nothing; so at least one role must be there.
Windows run one at a time: their activations then stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import onnx
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper
from onnx.compose import add_prefix

from models.onnx_export.clean import check_operators, strip
from models.onnx_export.exporting import OPSET
from models.onnx_export.pieces import front_end, window_score
from models.spiraconv.parameters import Parameters
from models.spiraconv.reference import HOP
from models.spiraconv.windows import SHORTEST, STEP, WINDOW

CONTROL_FLOW: Final = ("Scan",)
_GRAPH_NAME: Final = "spira"
_IR_VERSION: Final = 10

_NUMBERS: Final = {
    "flat": [-1],
    "zero": [0],
    "one": [1],
    "shortest": [SHORTEST],
    "step": [STEP],
    "rounding_up": [STEP - 1 - WINDOW],
    "overlap": [WINDOW // STEP - 1],
    "rows_a_step": [STEP // HOP],
    "one_row": [1, -1],
}


def export_graph(parameters: Parameters, roles: Sequence[str]) -> bytes:
    """Return the ONNX file of a model; the same parameters give the same bytes.

    Inputs: float32 `[1, n_samples]` at 16 kHz by role. Outputs: `probability` `[1]`, the mean of
    `raw_output` `[1, n_windows]`, the windows of all roles in the order of `roles`.

    Raises:
        ParityBroken: the exporter used an operator that BUNDLE.md does not allow.
    """
    samples_of = add_prefix(front_end(parameters), "front_end/")
    score = add_prefix(window_score(parameters), "window/")
    nodes = [node for role in roles for node in _cut(role)]
    nodes += _lay_end_to_end(roles)
    nodes += samples_of.graph.node
    nodes += _score_each_window(score.graph)
    numbers = [
        numpy_helper.from_array(np.array(value, dtype=np.int64), name)
        for name, value in _NUMBERS.items()
    ]
    graph = helper.make_graph(
        nodes,
        _GRAPH_NAME,
        [_float(role, [1, f"n_{role}"]) for role in roles],
        [_float("probability", [1]), _float("raw_output", [1, "n_windows"])],
        initializer=[*numbers, *samples_of.graph.initializer],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = _IR_VERSION
    model.producer_name = _GRAPH_NAME
    strip(model.graph)
    check_operators(model)
    return model.SerializeToString(deterministic=True)


def _cut(role: str) -> list[NodeProto]:
    """Return the nodes that extend, count and cut one role's recording.

    n_windows = ceil((max(n, 64,001) - 64,000) / 16,000) if n > 0 else 0; what the windows need is
    (n_windows + 3) · 16,000 samples, zeros where the recording is shorter.
    """

    def to(name: str) -> str:
        return f"{role}/{name}"

    def node(operator: str, inputs: list[str], output: str) -> NodeProto:
        return helper.make_node(operator, inputs, [to(output)])

    return [
        node("Reshape", [role, "flat"], "samples"),
        node("Shape", [to("samples")], "n"),
        node("Min", [to("n"), "one"], "present"),
        node("Mul", [to("present"), "shortest"], "least"),
        node("Max", [to("n"), to("least")], "n_extended"),
        node("Add", [to("n_extended"), "rounding_up"], "beyond_first"),
        node("Div", [to("beyond_first"), "step"], "n_if_present"),
        node("Mul", [to("n_if_present"), to("present")], "n_windows"),
        node("Mul", [to("present"), "overlap"], "n_overlap"),
        node("Add", [to("n_windows"), to("n_overlap")], "n_steps"),
        node("Mul", [to("n_steps"), "step"], "n_needed"),
        node("Min", [to("n"), to("n_needed")], "n_kept"),
        node("Slice", [to("samples"), "zero", to("n_kept")], "kept"),
        node("Sub", [to("n_needed"), to("n_kept")], "n_zeros"),
        node("ConstantOfShape", [to("n_zeros")], "zeros"),
        node("Mul", [to("n_steps"), "rows_a_step"], "n_rows"),
    ]


def _lay_end_to_end(roles: Sequence[str]) -> list[NodeProto]:
    """Return the nodes that give `samples` of all roles, and the `first_rows` of their windows."""
    nodes: list[NodeProto] = []
    offset = "zero"
    for role in roles:
        count, rows = f"{role}/count", f"{role}/rows"
        nodes += [
            helper.make_node("Squeeze", [f"{role}/n_windows"], [count]),
            helper.make_node("Range", ["zero/scalar", count, "one/scalar"], [f"{role}/window"]),
            helper.make_node("Mul", [f"{role}/window", "rows_a_step"], [f"{role}/own_rows"]),
            helper.make_node("Add", [f"{role}/own_rows", offset], [rows]),
            helper.make_node("Add", [offset, f"{role}/n_rows"], [f"{role}/next"]),
        ]
        offset = f"{role}/next"
    scalars = [helper.make_node("Squeeze", [name], [f"{name}/scalar"]) for name in ("zero", "one")]
    samples = [f"{role}/{part}" for role in roles for part in ("kept", "zeros")]
    return [
        *scalars,
        *nodes,
        helper.make_node("Concat", samples, ["front_end/samples"], axis=0),
        helper.make_node(
            "Concat", [f"{role}/rows" for role in roles], ["front_end/first_rows"], axis=0
        ),
    ]


def _score_each_window(score: GraphProto) -> list[NodeProto]:
    body = helper.make_graph(
        list(score.node),
        "window",
        list(score.input),
        list(score.output),
        initializer=list(score.initializer),
    )
    return [
        helper.make_node(
            "Scan", ["front_end/decibels"], ["by_window"], body=body, num_scan_inputs=1
        ),
        helper.make_node("Reshape", ["by_window", "one_row"], ["raw_output"]),
        helper.make_node("ReduceMean", ["raw_output", "one"], ["probability"], keepdims=0),
    ]


def _float(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
