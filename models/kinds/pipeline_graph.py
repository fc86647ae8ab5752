"""The graph of a pipeline: the features of each recording, the answers, then the classifier.

The features are exported once and laid out for each recording; the matrices are there once.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from onnx import (
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    ValueInfoProto,
    helper,
    numpy_helper,
)
from onnx.compose import add_prefix
from onnx.inliner import inline_local_functions

from appliance.core.manifest import METADATA_INPUT
from appliance.core.scores import PROBABILITY_OUTPUT, RAW_OUTPUT
from models.acoustics.features import RecordingFeatures
from models.acoustics.period import RATE_HZ
from models.kinds.statement import AuthorStatement
from models.onnx_export.exporting import exported

FEATURES: Final = "features"
"""Input of the classifier, float32[1, n_columns]."""

_SAMPLES: Final = "samples"
_CLASSIFIER: Final = "classifier/"
_NUMBERS: Final = {"flat": [-1], "one_row": [1, -1], "one": [1], "square": [1, 1]}


def whole_graph(statement: AuthorStatement, classifier: ModelProto) -> ModelProto:
    """Return recordings and answers in, `probability` [1] and `raw_output` [1, 1] out.

    Args:
        statement: says which recordings and answers, and in which order.
        classifier: `features` float32[1, n_columns] -> float32[1, 2] among its outputs.
    """
    front = _front()
    scores = add_prefix(classifier, _CLASSIFIER)
    parts = [f"{role}/{FEATURES}" for role in statement.role_names]
    nodes = [node for role in statement.role_names for node in _laid_out(front, role)]
    if statement.metadata:
        nodes.append(helper.make_node("Reshape", [METADATA_INPUT, "flat"], ["answers"]))
        parts.append("answers")
    nodes += [
        helper.make_node("Concat", parts, ["columns"], axis=0),
        helper.make_node("Reshape", ["columns", "one_row"], [f"{_CLASSIFIER}{FEATURES}"]),
        *scores.graph.node,
        *_outputs(scores.graph),
    ]
    numbers = [
        numpy_helper.from_array(np.array(value, dtype=np.int64), name)
        for name, value in _NUMBERS.items()
    ]
    n_answers = len(statement.metadata)
    graph = helper.make_graph(
        nodes,
        "spira",
        [
            _float(name, [1, n_answers if name == METADATA_INPUT else f"n_{name}"])
            for name in statement.inputs
        ],
        [_float(PROBABILITY_OUTPUT, [1]), _float(RAW_OUTPUT, [1, 1])],
        initializer=[*numbers, *front.initializer, *scores.graph.initializer],
    )
    return helper.make_model(graph, opset_imports=classifier.opset_import)


def _front() -> GraphProto:
    """Return the graph of one recording: `samples` [1, n] -> `features` [12]."""
    model = exported(
        RecordingFeatures().eval(),
        (torch.zeros(1, RATE_HZ),),
        inputs=(_SAMPLES,),
        outputs=(FEATURES,),
        dynamic_shapes=({1: torch.export.Dim.DYNAMIC},),
    )
    return inline_local_functions(model).graph


def _laid_out(front: GraphProto, role: str) -> list[NodeProto]:
    """Return the nodes for one recording; all recordings share the constants."""
    shared = {constant.name for constant in front.initializer} | {""}

    def own(name: str) -> str:
        return role if name == _SAMPLES else name if name in shared else f"{role}/{name}"

    nodes = []
    for node in front.node:
        copy = NodeProto()
        copy.CopyFrom(node)
        copy.input[:] = [own(name) for name in node.input]
        copy.output[:] = [own(name) for name in node.output]
        nodes.append(copy)
    return nodes


def _outputs(scores: GraphProto) -> list[NodeProto]:
    """Return the nodes that take the probability of a patient out of both classes."""
    by_class = next(
        output.name
        for output in scores.output
        if output.type.tensor_type.elem_type == TensorProto.FLOAT
    )
    return [
        helper.make_node("Gather", [by_class, "one"], ["of_a_patient"], axis=1),
        helper.make_node("Reshape", ["of_a_patient", "one"], [PROBABILITY_OUTPUT]),
        helper.make_node("Reshape", ["of_a_patient", "square"], [RAW_OUTPUT]),
    ]


def _float(name: str, shape: list[int | str]) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
