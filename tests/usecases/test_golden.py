"""The self-test of a bundle: it agrees on this box, or it is not activated."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from appliance.adapters.onnx_predictor import OnnxPredictor
from appliance.core.errors import GoldenMismatch, PredictionFailed
from appliance.core.manifest import Golden
from appliance.usecases.golden import run_golden
from tests.bundle_builders import bundle_contents, golden_cases, graph_bytes
from tests.fakes_models import FakePredictor, Inputs

SHA256 = hashlib.sha256(graph_bytes()).hexdigest()


def expected(inputs: Inputs) -> float:
    """Return what the manifest expects of each case: only one has the optional recording."""
    loud, soft = golden_cases()
    return soft.probability if inputs["frase"].size else loud.probability


def test_a_model_that_repeats_its_results_passes() -> None:
    """On the real runtime; the largest difference is told."""
    predictor = OnnxPredictor()
    predictor.ensure_loaded(SHA256, graph_bytes)
    assert 0.0 <= run_golden(bundle_contents(), predictor=predictor, timeout_s=10) <= 1e-6


def test_cases_are_scored_as_patients_are() -> None:
    """Through the same inputs: roles, answers, and an absent optional recording as [1, 0]."""
    predictor = FakePredictor(answer=expected, sessions={SHA256})
    run_golden(bundle_contents(), predictor=predictor, timeout_s=10)
    first, second = predictor.scored
    assert first["frase"].shape == (1, 0)
    assert first["metadata"].tolist() == [[60.0, 1.0]]
    assert second["frase"].shape == (1, 800)
    assert second["metadata"].tolist() == [[-1.0, -1.0]]
    assert {value.dtype for value in first.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("case", [0, 1])
def test_any_case_that_differs_is_a_mismatch(case: int) -> None:
    """By more than the tolerance; the case and both numbers are told."""
    cases = list(golden_cases())
    cases[case] = replace(cases[case], probability=cases[case].probability + 2e-4)
    contents = bundle_contents(golden=Golden(tolerance=1e-4, cases=tuple(cases)))
    predictor = FakePredictor(answer=expected, sessions={SHA256})
    with pytest.raises(GoldenMismatch) as mismatch:
        run_golden(contents, predictor=predictor, timeout_s=10)
    assert mismatch.value.details["case"] == cases[case].id
    assert mismatch.value.details["expected"] == cases[case].probability


def test_a_difference_within_the_tolerance_is_none() -> None:
    """Boxes differ in the last digits."""
    cases = [replace(case, probability=case.probability + 5e-5) for case in golden_cases()]
    contents = bundle_contents(golden=Golden(tolerance=1e-4, cases=tuple(cases)))
    predictor = FakePredictor(answer=expected, sessions={SHA256})
    assert run_golden(contents, predictor=predictor, timeout_s=10) == pytest.approx(5e-5, rel=0.01)


def test_a_case_that_cannot_be_scored_fails() -> None:
    """The runtime's own fault comes through."""
    predictor = FakePredictor(fault=PredictionFailed(reason="run"), sessions={SHA256})
    with pytest.raises(PredictionFailed):
        run_golden(bundle_contents(), predictor=predictor, timeout_s=10)
