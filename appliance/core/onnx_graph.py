"""What is in a model's graph, found out without running it or any other code of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from appliance.core.errors import GraphRefused
from appliance.core.manifest import CONTROL_FLOW, METADATA_INPUT, Manifest
from appliance.core.onnx_wire import Field, Walker, not_onnx
from appliance.core.scores import PROBABILITY_OUTPUT, RAW_OUTPUT

FLOAT32: Final = 1
"""`TensorProto.DataType.FLOAT`."""

REFUSED_OPERATORS: Final = frozenset(
    {
        # The same recording must give the same answer tomorrow.
        "Bernoulli",
        "Multinomial",
        "RandomNormal",
        "RandomNormalLike",
        "RandomUniform",
        "RandomUniformLike",
        # A decoder of pictures is no part of listening, but a large thing to attack.
        "ImageDecoder",
    }
)

_DEFAULT_DOMAIN: Final = "ai.onnx"
_DOMAINS: Final = frozenset({_DEFAULT_DOMAIN, "ai.onnx.ml"})
_EXTERNAL: Final = frozenset({("Tensor", "external_data"), ("Tensor", "data_location")})
_REFUSED_PARTS: Final = {
    ("Model", "functions"): "functions",
    ("Model", "training_info"): "training-info",
    ("Model", "configuration"): "device-configuration",
    ("Node", "device_configurations"): "device-configuration",
    ("Node", "overload"): "functions",
    ("Attribute", "ref_attr_name"): "functions",
    ("Tensor", "segment"): "segments",
}
_N_INPUT_AXES: Final = 2

# A string: `memoryview` takes a type argument only from Python 3.14 on.
_Bytes: TypeAlias = "memoryview[int]"
Dimension: TypeAlias = int | None
"""A length, or None where it is left open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphValue:
    """An input or output of a graph.

    Attributes:
        element: `TensorProto.DataType`; 0 for what is no tensor.
        shape: None where even the number of axes is left open.
    """

    name: str
    element: int
    shape: tuple[Dimension, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphSummary:
    """What a graph is made of.

    Attributes:
        opsets: domain -> version; the default domain is spelled `ai.onnx`.
        operators: (domain, type), those of all inner graphs included.
        n_subgraphs: graphs within the graph, as control flow has them.
        has_external_data: whether any tensor says that its numbers lie elsewhere.
        refused_parts: codes of other parts that no bundle may have, such as `functions`.
    """

    opsets: Mapping[str, int]
    operators: frozenset[tuple[str, str]]
    n_subgraphs: int
    has_external_data: bool
    refused_parts: tuple[str, ...]
    inputs: tuple[GraphValue, ...]
    outputs: tuple[GraphValue, ...]


def inspect_graph(content: bytes | _Bytes) -> GraphSummary:
    """Return what the file says of itself; every message is walked, no tensor is read.

    Raises:
        GraphRefused: `not-onnx`, `too-deep`, `too-many-fields`.
    """
    view = memoryview(content).cast("B")
    walker = Walker()
    met = Counter[tuple[str, str]]()
    operators: set[tuple[str, str]] = set()
    opsets: dict[str, int] = {}
    for field in walker.tree("Model", view):
        # Some exporters spell defaults out, for example `data_location: DEFAULT`.
        met[field.message, field.name] += bool(field.number or field.body)
        if field.kind == "Node":
            operators.add(_operator(walker, field))
        elif field.kind == "OperatorSetId":
            domain, version = _opset(walker, field)
            if domain in opsets:
                raise not_onnx("it imports a domain twice")
            opsets[domain] = version
    if not met["Model", "graph"]:
        raise not_onnx("it has no graph")
    inputs, outputs = _signature(walker, view)
    return GraphSummary(
        opsets=opsets,
        operators=frozenset(operators),
        n_subgraphs=met["Attribute", "g"] + met["Attribute", "graphs"],
        has_external_data=any(met[part] for part in _EXTERNAL),
        refused_parts=tuple(sorted({code for part, code in _REFUSED_PARTS.items() if met[part]})),
        inputs=inputs,
        outputs=outputs,
    )


def check_graph(summary: GraphSummary, manifest: Manifest) -> None:
    """Refuse a graph that is not what the manifest says, or that no bundle may carry.

    Raises:
        GraphRefused: `external-data`, `functions`, `training-info`, `device-configuration`,
            `segments`, `opset`, `domain`, `operator`, `control-flow`, `inputs`, `outputs`.
    """
    if summary.has_external_data:
        raise GraphRefused("Some of its numbers lie in another file.", reason="external-data")
    for code in summary.refused_parts:
        raise GraphRefused(f"It has parts that no bundle may have: {code}.", reason=code)
    _check_operators(summary, manifest)
    _check_inputs(summary.inputs, manifest)
    _check_outputs(summary.outputs)


def _check_operators(summary: GraphSummary, manifest: Manifest) -> None:
    domains = {*summary.opsets, *(domain for domain, _ in summary.operators)}
    if not domains <= _DOMAINS:
        raise GraphRefused("It uses operators beyond ai.onnx and ai.onnx.ml.", reason="domain")
    if summary.opsets.get(_DEFAULT_DOMAIN) != manifest.opset:
        raise GraphRefused("Its opset is not the manifest's.", reason="opset")
    names = {name for _, name in summary.operators}
    refused = tuple(sorted(names & REFUSED_OPERATORS))
    if refused:
        raise GraphRefused(
            "It uses operators that no bundle may have.", reason="operator", operators=refused
        )
    undeclared = tuple(sorted((names & CONTROL_FLOW) - set(manifest.control_flow)))
    if undeclared or (summary.n_subgraphs and not names & CONTROL_FLOW):
        raise GraphRefused(
            "It has control flow that the manifest does not declare.",
            reason="control-flow",
            operators=undeclared,
        )


def _check_inputs(inputs: Iterable[GraphValue], manifest: Manifest) -> None:
    lengths: dict[str, Dimension] = {entry.role: None for entry in manifest.roles}
    if manifest.metadata:
        lengths[METADATA_INPUT] = len(manifest.metadata)
    found = {value.name: value for value in inputs}
    if found.keys() != lengths.keys():
        raise GraphRefused(
            "Its inputs are not the manifest's roles and metadata.",
            reason="inputs",
            found=tuple(sorted(found)),
            expected=tuple(sorted(lengths)),
        )
    for name, length in lengths.items():
        shape = found[name].shape
        if (
            found[name].element != FLOAT32
            or shape is None
            or len(shape) != _N_INPUT_AXES
            or shape[0] not in {1, None}
            or shape[1] != length
        ):
            raise GraphRefused(
                "An input is not float32[1, n] with n as the manifest says.",
                reason="inputs",
                found=(name,),
            )


def _check_outputs(outputs: Iterable[GraphValue]) -> None:
    found = {value.name: value for value in outputs}
    if not {PROBABILITY_OUTPUT} <= found.keys() <= {PROBABILITY_OUTPUT, RAW_OUTPUT}:
        raise GraphRefused(
            "Its outputs are not probability and, if any, raw_output.",
            reason="outputs",
            found=tuple(sorted(found)),
        )
    if any(value.element != FLOAT32 for value in found.values()):
        raise GraphRefused("An output is not float32.", reason="outputs")


def _operator(walker: Walker, node: Field) -> tuple[str, str]:
    texts = {"domain": "", "op_type": ""}
    for field in walker.fields("Node", node.body):
        if field.name in texts:
            texts[field.name] = field.text()
    return texts["domain"] or _DEFAULT_DOMAIN, texts["op_type"]


def _opset(walker: Walker, opset: Field) -> tuple[str, int]:
    domain, version = _DEFAULT_DOMAIN, 0
    for field in walker.fields("OperatorSetId", opset.body):
        if field.name == "domain":
            domain = field.text() or _DEFAULT_DOMAIN
        else:
            version = field.number
    return domain, version


def _signature(
    walker: Walker, view: _Bytes
) -> tuple[tuple[GraphValue, ...], tuple[GraphValue, ...]]:
    """Return inputs and outputs of the outermost graph."""
    graph = next(field for field in walker.fields("Model", view) if field.name == "graph")
    values: dict[str, list[GraphValue]] = {"input": [], "output": []}
    for field in walker.fields("Graph", graph.body):
        if field.name in values:
            values[field.name].append(_value(walker, field))
    for found in values.values():
        if len({value.name for value in found}) != len(found):
            raise not_onnx("two inputs or outputs have one name")
    return tuple(values["input"]), tuple(values["output"])


def _value(walker: Walker, declared: Field) -> GraphValue:
    name, element = "", 0
    shape: tuple[Dimension, ...] | None = None
    kinds = set()
    for field in walker.tree("ValueInfo", declared.body):
        match field.message, field.name:
            case "ValueInfo", "name":
                name = field.text()
            case "Type", ("sequence_type" | "map_type" | "sparse_tensor_type" | "optional_type"):
                kinds.add(field.name)
            case "TensorType", "elem_type":
                element = field.number
            case "TensorType", "shape":
                shape = tuple(_dimension(walker, dim) for dim in walker.fields("Shape", field.body))
    return GraphValue(name=name, element=0 if kinds else element, shape=shape)


def _dimension(walker: Walker, dimension: Field) -> Dimension:
    members = {field.name: field.number for field in walker.fields("Dimension", dimension.body)}
    if {"dim_value", "dim_param"} <= members.keys():
        raise not_onnx("an axis has two lengths")
    return members.get("dim_value")
