"""What every exported graph goes through, whatever it was exported from."""

from __future__ import annotations

import onnx
from onnx import GraphProto, ModelProto, NodeProto

from appliance.core.errors import ParityBroken


def strip(graph: GraphProto) -> None:
    """Remove what the exporter writes of paths and addresses: it differs from run to run."""
    del graph.metadata_props[:]
    del graph.value_info[:]
    graph.doc_string = ""
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.doc_string = ""
        del value.metadata_props[:]
    for node in graph.node:
        node.doc_string = ""
        node.name = ""
        del node.metadata_props[:]
        for attribute in node.attribute:
            attribute.doc_string = ""
            if attribute.type == onnx.AttributeProto.GRAPH:
                strip(attribute.g)


def check_operators(model: ModelProto) -> None:
    """Refuse a graph that no bundle may carry.

    Raises:
        ParityBroken: the exporter used an operator that BUNDLE.md does not allow.
    """
    onnx.checker.check_model(model, full_check=True)
    used = {(node.domain, node.op_type) for node in all_nodes(model.graph)}
    foreign = sorted(name for domain, name in used if domain not in {"", "ai.onnx.ml"})
    fourier = sorted(name for _, name in used if name in {"STFT", "DFT"})
    if foreign or fourier or model.functions:
        raise ParityBroken(
            "The exporter used operators a bundle may not have.",
            operators=tuple(foreign + fourier),
        )


def all_nodes(graph: GraphProto) -> list[NodeProto]:
    """Return the nodes of a graph and of all graphs in it."""
    nodes = list(graph.node)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                nodes += all_nodes(attribute.g)
    return nodes
