"""What a graph is fed, and what is believed of what it answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import PredictionFailed
from appliance.core.manifest import RoleInput
from appliance.core.model_inputs import build_inputs
from appliance.core.resampling import resample
from appliance.core.scores import Scores, read_scores
from tests.bundle_builders import a_manifest

RATE_HZ = 16_000
TONE = np.sin(np.arange(4_800, dtype=np.float32) / 9)


def test_every_input_of_the_manifest_is_there() -> None:
    """One row a role and one for the answers; what the model does not know is left out."""
    inputs = build_inputs(
        a_manifest(),
        {
            "parlenda": (TONE, RATE_HZ),
            "sustentada": (TONE[:7], RATE_HZ),
            "ruido": (TONE, RATE_HZ),
        },
        {"age": 60, "gender": "Feminino", "spo2": 90},
    )
    assert {name: value.shape for name, value in inputs.items()} == {
        "sustentada": (1, 7),
        "parlenda": (1, 4_800),
        "frase": (1, 0),
        "metadata": (1, 2),
    }
    assert {value.dtype for value in inputs.values()} == {np.dtype(np.float32)}
    assert inputs["metadata"].tolist() == [[60.0, 1.0]]
    assert np.array_equal(inputs["parlenda"][0], TONE)


def test_recordings_are_resampled_as_in_training() -> None:
    """By the one function of the house, to the manifest's rate."""
    inputs = build_inputs(
        a_manifest(), {"sustentada": (TONE, 48_000), "parlenda": (TONE, 44_100)}, {}
    )
    assert np.array_equal(inputs["sustentada"][0], resample(TONE, from_hz=48_000, to_hz=RATE_HZ))
    assert inputs["parlenda"].shape == (1, round(4_800 * RATE_HZ / 44_100))


def test_without_answers_there_is_no_metadata() -> None:
    """A model that asks for none gets none."""
    manifest = a_manifest(metadata=(), roles=(RoleInput(role="frase", required=True),))
    assert set(build_inputs(manifest, {"frase": (TONE, RATE_HZ)}, {"age": 60})) == {"frase"}


def test_a_required_recording_is_never_made_up() -> None:
    """Its absence is a fault of the caller, not silence."""
    with pytest.raises(KeyError):
        build_inputs(a_manifest(), {"sustentada": (TONE, RATE_HZ)}, {})


@given(st.floats(0.0, 1.0, width=32), st.lists(st.floats(-9.0, 9.0, width=32), max_size=5))
def test_probabilities_are_believed(probability: float, raw: list[float]) -> None:
    """From 0 to 1, with what the model gives beside it."""
    outputs: dict[str, object] = {"probability": np.array([probability], np.float32)}
    assert read_scores(outputs) == Scores(probability=probability)
    outputs["raw_output"] = np.array([raw], np.float32)
    assert read_scores(outputs) == Scores(probability=probability, raw_output=tuple(raw))


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (np.array([np.nan], np.float32), "output-not-finite"),
        (np.array([np.inf], np.float32), "output-not-finite"),
        (np.array([1.0000001], np.float32), "output-range"),
        (np.array([-1e-7], np.float32), "output-range"),
        (np.array([0.5, 0.5], np.float32), "output-shape"),
        (np.array([[0.5]], np.float32), "output-shape"),
        (np.array(0.5, np.float32), "output-shape"),
        (np.array([], np.float32), "output-shape"),
        (np.array([0.5], np.float64), "output-shape"),
        (np.array(["0.5"]), "output-shape"),
        ([0.5], "output-shape"),
    ],
)
def test_what_is_no_probability_is_refused(output: object, reason: str) -> None:
    """Not a number, out of range, or of another shape."""
    with pytest.raises(PredictionFailed) as failed:
        read_scores({"probability": output})
    assert failed.value.details["reason"] == reason


@pytest.mark.parametrize(
    "raw",
    [
        np.array([[np.nan]], np.float32),
        np.array([0.5], np.float32),
        np.zeros((2, 3), np.float32),
        np.zeros((1, 4_097), np.float32),
    ],
)
def test_the_raw_output_is_checked_too(raw: object) -> None:
    """It goes to programs and into the export."""
    with pytest.raises(PredictionFailed):
        read_scores({"probability": np.array([0.5], np.float32), "raw_output": raw})
