"""Calibration put into a graph: what it calls a probability becomes one that can be believed."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import GraphProto, TensorProto, helper, numpy_helper

from appliance.core.scores import PROBABILITY_OUTPUT
from models.evaluation.logistic import FLOOR

_RAW = "uncalibrated_probability"
_PREFIX = "platt/"


def with_platt(graph: bytes, *, slope: float, intercept: float) -> bytes:
    """Return the graph with `probability` as sigmoid(slope * logit(probability) + intercept).

    In float64, since a logit near 1 is the difference of two numbers that float32 holds alike. The
    same graph and numbers give the same bytes. `raw_output` stays as it is.

    Args:
        graph: bytes of an ONNX file whose output `probability` is float32[1].
        slope, intercept: of the line.
    """
    model = onnx.load_from_string(graph)
    _rename(model.graph, PROBABILITY_OUTPUT, _RAW)
    numbers = {
        "floor": FLOOR,
        "ceiling": 1 - FLOOR,
        "one": 1.0,
        "slope": slope,
        "intercept": intercept,
    }
    model.graph.initializer.extend(
        numpy_helper.from_array(np.array(value, dtype=np.float64), f"{_PREFIX}{name}")
        for name, value in numbers.items()
    )
    steps: tuple[tuple[str, tuple[str, ...], str, dict[str, Any]], ...] = (
        ("Cast", (_RAW,), "double", {"to": TensorProto.DOUBLE}),
        ("Clip", ("double", "floor", "ceiling"), "kept", {}),
        ("Sub", ("one", "kept"), "rest", {}),
        ("Div", ("kept", "rest"), "odds", {}),
        ("Log", ("odds",), "logit", {}),
        ("Mul", ("logit", "slope"), "scaled", {}),
        ("Add", ("scaled", "intercept"), "moved", {}),
        ("Sigmoid", ("moved",), "calibrated", {}),
        ("Cast", ("calibrated",), PROBABILITY_OUTPUT, {"to": TensorProto.FLOAT}),
    )
    for operator, inputs, output, attributes in steps:
        model.graph.node.append(
            helper.make_node(
                operator,
                [_named(name) for name in inputs],
                [_named(output)],
                name=f"{_PREFIX}{operator.lower()}_{output}",
                **attributes,
            )
        )
    calibrated: bytes = model.SerializeToString(deterministic=True)
    return calibrated


def _named(name: str) -> str:
    return name if name in {_RAW, PROBABILITY_OUTPUT} else f"{_PREFIX}{name}"


def _rename(graph: GraphProto, old: str, new: str) -> None:
    """Rename a value where it is made and wherever it is used, in inner graphs too."""
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [new if name == old else name for name in names]
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                _rename(attribute.g, old, new)
    for value in graph.value_info:
        value.name = new if value.name == old else value.name
