"""Small graphs that hear one thing each: a voice, the noise between words, the length."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from appliance.core.manifest import METADATA_INPUT, Encoding, MetadataField, RoleInput
from models.evaluation.opened import OpenedModel
from models.onnx_export.exporting import OPSET
from tests.bundle_builders import a_manifest
from tests.models.labelled_builders import RATE_HZ, put_wav

ROLE = "parlenda"
MASK = MetadataField(
    field="mask_type",
    encoding=Encoding.CATEGORY,
    missing=1.0,
    categories={"NONE": 1.0, "THIN": 3.0, "THICK": 4.0},
)


def graph_of(
    nodes: Sequence[onnx.NodeProto], *, slope: float, middle: float, n_answers: int = 0
) -> bytes:
    """Return a graph: sigmoid(slope * (ln(what the nodes put into `heard`, [1]) - middle))."""
    numbers = {"slope": slope, "middle": middle, "least": 1e-9}
    constants = [
        numpy_helper.from_array(np.array([value], dtype=np.float32), name)
        for name, value in numbers.items()
    ]
    constants.append(numpy_helper.from_array(np.array([1], dtype=np.int64), "second"))
    constants.append(numpy_helper.from_array(np.array([1], dtype=np.int64), "axis"))
    line = [
        helper.make_node("Max", ["heard", "least"], ["kept"]),
        helper.make_node("Log", ["kept"], ["ln"]),
        helper.make_node("Sub", ["ln", "middle"], ["off"]),
        helper.make_node("Mul", ["off", "slope"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["probability"]),
    ]
    inputs = [helper.make_tensor_value_info(ROLE, TensorProto.FLOAT, [1, "n"])]
    if n_answers:
        shape = [1, n_answers]
        inputs.append(helper.make_tensor_value_info(METADATA_INPUT, TensorProto.FLOAT, shape))
    graph = helper.make_graph(
        [*nodes, *line],
        "made",
        inputs,
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, [1])],
        constants,
    )
    opset = [helper.make_opsetid("", OPSET)]
    made: bytes = helper.make_model(graph, opset_imports=opset, ir_version=10).SerializeToString()
    return made


def hears_the_voice(*, middle: float = -1.6) -> bytes:
    """Return a graph of the largest amplitude: what the loudest word has."""
    return graph_of(
        [
            helper.make_node("Abs", [ROLE], ["size"]),
            helper.make_node("ReduceMax", ["size", "axis"], ["heard"], keepdims=0),
        ],
        slope=4.0,
        middle=middle,
    )


def hears_the_room() -> bytes:
    """Return a graph of the quietest 25 ms: what is there when nobody speaks."""
    return graph_of(
        [
            helper.make_node("Abs", [ROLE], ["size"]),
            helper.make_node("Unsqueeze", ["size", "axis"], ["channel"]),
            helper.make_node(
                "AveragePool", ["channel"], ["frames"], kernel_shape=[400], strides=[160]
            ),
            helper.make_node("ReduceMin", ["frames"], ["least_frame"], keepdims=0),
            helper.make_node("Reshape", ["least_frame", "second"], ["heard"]),
        ],
        slope=3.0,
        middle=float(np.log(2e-3)),
    )


def hears_the_length() -> bytes:
    """Return a graph of the number of samples."""
    return graph_of(
        [
            helper.make_node("Shape", [ROLE], ["shape"]),
            helper.make_node("Gather", ["shape", "second"], ["n"]),
            helper.make_node("Cast", ["n"], ["heard"], to=TensorProto.FLOAT),
        ],
        slope=5.0,
        middle=float(np.log(3.0 * RATE_HZ)),
    )


def asks_for_the_mask() -> bytes:
    """Return a graph of the answer `mask_type` alone, as `MASK` encodes it; it hears nothing."""
    return graph_of(
        [helper.make_node("Reshape", [METADATA_INPUT, "second"], ["heard"])],
        slope=2.0,
        middle=float(np.log(2.0)),
        n_answers=1,
    )


def opened(
    graph: bytes,
    *,
    t_low: float = 0.4,
    t_high: float = 0.6,
    answers: tuple[MetadataField, ...] = (),
) -> OpenedModel:
    """Return the model of a graph, whose manifest lets everybody in."""
    manifest = a_manifest(
        roles=(RoleInput(role=ROLE, required=True),),
        metadata=answers,
        protocols=("spira-2022.1",),
        t_low=t_low,
        t_high=t_high,
    )
    return OpenedModel(manifest=manifest, graph=graph, directory=None)


def voice(
    rng: np.random.Generator, *, amplitude: float, noise: float, seconds: float
) -> NDArray[np.int16]:
    """Return words of 0.4 s with pauses of 0.3 s, in a room of even noise."""
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    speaking = np.where(t % 0.7 < 0.4, 1.0, 0.0)
    speaking[t < 0.35] = speaking[t > seconds - 0.35] = 0.0
    words = amplitude * speaking * np.sin(2 * np.pi * rng.uniform(100, 220) * t)
    sound = words + noise * rng.standard_normal(t.size)
    return np.round(np.clip(sound, -1, 1) * 32_767).astype(np.int16)


def put_people(
    directory: Path, n: int, *, louder: float = 1.0, noisier: float = 1.0, longer: float = 1.0
) -> Path:
    """Write `n` patients and `n` controls; the factors are by how much patients differ."""
    rng = np.random.default_rng(n)
    for label in ("positive", "negative"):
        for number in range(n):
            ill = label == "positive"
            noise = 2e-3 * rng.lognormal(0, 0.25) * (noisier if ill else 1.0)
            amplitude = 0.2 * rng.lognormal(0, 0.25) * (louder if ill else 1.0)
            seconds = 3.0 * rng.lognormal(0, 0.15) * (longer if ill else 1.0)
            own = directory / label / f"{label[0]}{number:03}"
            put_wav(
                own / f"{ROLE}.wav", voice(rng, amplitude=amplitude, noise=noise, seconds=seconds)
            )
            put_wav(own / "ruido.wav", voice(rng, amplitude=0.0, noise=noise, seconds=2.0))
    return directory
