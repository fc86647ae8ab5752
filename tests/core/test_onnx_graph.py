"""Graphs inspected without running them: what they are, and what is never opened."""

from __future__ import annotations

import contextlib
import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core import onnx_wire
from appliance.core.errors import GraphRefused
from appliance.core.manifest import Manifest
from appliance.core.onnx_graph import (
    FLOAT32,
    REFUSED_OPERATORS,
    GraphSummary,
    GraphValue,
    check_graph,
    inspect_graph,
)
from tests.bundle_builders import GRAPHS, a_manifest, graph_bytes, one_role_manifest

ALL_GRAPHS = sorted(path.stem for path in GRAPHS.glob("*.onnx"))
PICKLE = b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94."


def manifest_for(graph: str, *control_flow: str) -> Manifest:
    """Return a manifest that fits a graph of one role."""
    return one_role_manifest(graph_bytes(graph), control_flow=control_flow)


def reason(graph: bytes, manifest: Manifest) -> object:
    """Return why a graph is refused."""
    with pytest.raises(GraphRefused) as refused:
        check_graph(inspect_graph(graph), manifest)
    return refused.value.details["reason"]


def field(number: int, wire: int, payload: bytes) -> bytes:
    """Return a field of the wire format, for numbers below 16."""
    length = bytes([len(payload)]) if wire == 2 else b""
    return bytes([number << 3 | wire]) + length + payload


def test_a_graph_is_summed_up() -> None:
    """Operators, versions, inputs and outputs are those that `onnx` wrote."""
    summary = inspect_graph(graph_bytes("voice"))
    assert summary.opsets == {"ai.onnx": 20}
    assert {name for _, name in summary.operators} == {
        "Abs", "Cast", "Concat", "Div", "MatMul", "Max", "Mul", "ReduceSum", "Sigmoid", "Size",
        "Sum", "Unsqueeze",
    }  # fmt: skip
    assert [value.name for value in summary.inputs] == [
        "sustentada",
        "parlenda",
        "frase",
        "metadata",
    ]
    assert summary.inputs[0] == GraphValue(name="sustentada", element=FLOAT32, shape=(1, None))
    assert summary.inputs[3].shape == (1, 2)
    assert [value.shape for value in summary.outputs] == [(1,), (1, 1)]
    assert (summary.n_subgraphs, summary.has_external_data) == (0, False)


@pytest.mark.parametrize(
    ("graph", "control_flow"),
    [("loudest", ()), ("scanning", ("Scan",)), ("endless", ("Loop",)), ("enormous", ())],
)
def test_what_the_manifest_declares_passes(graph: str, control_flow: tuple[str, ...]) -> None:
    """Control flow may be used where it is declared."""
    check_graph(inspect_graph(graph_bytes(graph)), manifest_for(graph, *control_flow))


def test_the_whole_graph_passes() -> None:
    """Three roles, answers and a raw output."""
    check_graph(inspect_graph(graph_bytes()), a_manifest())


@pytest.mark.parametrize(
    ("graph", "control_flow", "expected"),
    [
        ("external_initializer", (), "external-data"),
        ("external_parent", (), "external-data"),
        ("external_absolute", (), "external-data"),
        ("external_in_constant", (), "external-data"),
        ("external_in_body", ("Loop",), "external-data"),
        ("external_sparse", (), "external-data"),
        ("with_function", (), "functions"),
        ("beyond_the_standard", (), "domain"),
        ("hidden_operator", ("Loop",), "operator"),
        ("nested", ("If",), "too-deep"),
        ("scanning", (), "control-flow"),
        ("endless", ("Scan",), "control-flow"),
        ("doubles", (), "inputs"),
        ("fixed_length", (), "inputs"),
        ("extra_output", (), "outputs"),
        ("voice", (), "inputs"),
    ],
)
def test_hostile_graphs_are_refused_by_name(
    graph: str, control_flow: tuple[str, ...], expected: str
) -> None:
    """Numbers elsewhere, code of their own, foreign or random operators, other shapes."""
    assert reason(graph_bytes(graph), manifest_for(graph, *control_flow)) == expected


def test_the_opset_is_the_manifests() -> None:
    """A graph of another version than was signed is refused."""
    assert reason(graph_bytes(), a_manifest(opset=21)) == "opset"


def test_answers_are_inputs_of_their_number() -> None:
    """A manifest with one column more or less than the graph does not fit."""
    assert reason(graph_bytes(), a_manifest(metadata=a_manifest().metadata[:1])) == "inputs"
    assert reason(graph_bytes(), a_manifest(metadata=())) == "inputs"


@pytest.mark.parametrize("shape", [None, (), (None,), (2, None), (1, None, None), (1, 16_000)])
def test_a_role_is_one_row_of_any_length(shape: tuple[int | None, ...] | None) -> None:
    """No other number of axes, no second row, no fixed length, no shape left open."""
    first, *rest = inspect_graph(graph_bytes()).inputs
    inputs = (replace(first, shape=shape), *rest)
    with pytest.raises(GraphRefused) as refused:
        check_graph(replace(inspect_graph(graph_bytes()), inputs=inputs), a_manifest())
    assert refused.value.details["reason"] == "inputs"


def test_outputs_are_float32() -> None:
    """Neither the probability nor the raw output is of another type."""
    summary = inspect_graph(graph_bytes())
    for at in range(2):
        outputs = list(summary.outputs)
        outputs[at] = replace(outputs[at], element=FLOAT32 + 10)
        with pytest.raises(GraphRefused) as refused:
            check_graph(replace(summary, outputs=tuple(outputs)), a_manifest())
        assert refused.value.details["reason"] == "outputs"


def test_the_operators_of_machine_learning_are_welcome() -> None:
    """`ai.onnx.ml` beside `ai.onnx`."""
    summary = inspect_graph(graph_bytes())
    both = {**summary.opsets, "ai.onnx.ml": 3}
    check_graph(replace(summary, opsets=both), a_manifest())


@pytest.mark.parametrize("operator", sorted(REFUSED_OPERATORS))
def test_no_operator_of_chance_or_pictures(operator: str) -> None:
    """The same recording gives the same answer."""
    summary = inspect_graph(graph_bytes())
    hidden = replace(summary, operators=summary.operators | {("ai.onnx", operator)})
    with pytest.raises(GraphRefused) as refused:
        check_graph(hidden, a_manifest())
    assert refused.value.details["operators"] == (operator,)


def test_inner_graphs_need_control_flow() -> None:
    """A graph hung onto an operator that has no use for it is refused."""
    summary = replace(inspect_graph(graph_bytes()), n_subgraphs=1)
    with pytest.raises(GraphRefused, match="control flow"):
        check_graph(summary, a_manifest(control_flow=("Scan",)))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        PICKLE,
        b"PK\x03\x04" + bytes(100),
        b"\x89HDF\r\n\x1a\n",
        b"\x7fELF" + bytes(100),
        b"{}",
        bytes(1000),
        b"\xff" * 1000,
    ],
)
def test_other_formats_are_no_graphs(content: bytes) -> None:
    """A pickle, a zip of PyTorch, HDF5, a library: refused whatever they are called."""
    assert reason(content, a_manifest()) == "not-onnx"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (field(7, 2, b"") + field(1, 0, b"\x0a"), "no graph"),
        (graph_bytes() + field(7, 2, field(2, 2, b"x")), "graph twice"),
        (graph_bytes() + field(8, 2, b""), "a domain imported twice"),
        (graph_bytes() + field(12, 2, b"x"), "an unknown field"),
        (graph_bytes() + bytes([1 << 3 | 3]), "a group"),
        (graph_bytes() + field(5, 1, bytes(4)), "a cut number"),
        (graph_bytes() + bytes([5 << 3]) + b"\x80" * 10 + b"\x00", "an endless number"),
        (graph_bytes() + field(7, 0, b"\x01"), "a graph that is a number"),
        (graph_bytes() + bytes([2 << 3 | 2, 0xFF, 0xFF, 0xFF, 0x7F]), "a length beyond the end"),
    ],
)
def test_what_two_readers_could_read_differently_is_refused(content: bytes, what: str) -> None:
    """Repeated, unknown, cut or mistyped fields end the reading."""
    assert what
    assert reason(content, a_manifest()) == "not-onnx"


def test_names_are_utf_8() -> None:
    """A name that is no text is refused wherever it stands, here that of an axis."""
    assert reason(graph_bytes().replace(b"n_frase", b"n_fr\xffse"), a_manifest()) == "not-onnx"


def test_a_sequence_is_no_tensor() -> None:
    """An input that is a sequence of float32 tensors is not float32[1, n]."""
    tensor = field(1, 2, field(1, 0, b"\x01"))
    name = field(1, 2, b"sustentada")
    info = name + field(2, 2, field(4, 2, field(1, 2, tensor)))
    graph = field(7, 2, field(11, 2, info))
    assert inspect_graph(graph).inputs == (GraphValue(name="sustentada", element=0, shape=None),)


def test_parts_are_counted() -> None:
    """A file of endless small parts is given up, in bounded time."""
    # Each is a node without anything: two bytes, as cheap as a part can be.
    nodes = bytes([1 << 3 | 2, 0]) * (onnx_wire.MAX_FIELDS + 1)
    body = bytearray()
    length = len(nodes)
    while length > 0x7F:
        body.append(length & 0x7F | 0x80)
        length >>= 7
    body.append(length)
    assert reason(bytes([7 << 3 | 2]) + bytes(body) + nodes, a_manifest()) == "too-many-fields"


# Cut before its function, `with_function` is a graph like any other.
@pytest.mark.parametrize("graph", [graph for graph in ALL_GRAPHS if graph != "with_function"])
def test_cut_graphs_are_refused(graph: str) -> None:
    """Wherever it is cut, the answer is a refusal; nothing else is raised."""
    content = graph_bytes(graph)
    manifest = manifest_for(graph, "Loop", "Scan", "If")
    for end in range(len(content)):
        with pytest.raises(GraphRefused):
            check_graph(inspect_graph(content[:end]), manifest)


@given(graph=st.sampled_from(ALL_GRAPHS), data=st.data())
def test_mutations_are_read_or_refused(graph: str, data: st.DataObject) -> None:
    """Whatever bytes change: a summary or a refusal, nothing else comes of it."""
    content = bytearray(graph_bytes(graph))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(GraphRefused):
        assert isinstance(inspect_graph(bytes(content)), GraphSummary)


def test_weights_are_not_walked() -> None:
    """A hundred megabytes of numbers cost no time: they are one field."""
    raw = bytes(4) * (1 << 20)
    tensor = field(9, 2, b"")[:1] + varint(len(raw)) + raw
    graph = field(5, 2, b"")[:1] + varint(len(tensor)) + tensor
    content = field(7, 2, b"")[:1] + varint(len(graph)) + graph
    walker = onnx_wire.Walker()
    assert sum(1 for _ in walker.tree("Model", memoryview(content))) == 3


def varint(number: int) -> bytes:
    """Return an unsigned number as the wire format spells it."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + struct.pack("B", number)
