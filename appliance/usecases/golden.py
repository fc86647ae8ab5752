"""The self-test of a model version: its golden recordings, scored on this very box."""

from __future__ import annotations

from appliance.core.bundle import BundleContents
from appliance.core.errors import GoldenMismatch
from appliance.core.manifest import GoldenCase
from appliance.core.model_inputs import build_inputs
from appliance.core.wav import read_wav
from appliance.ports import Predictor


def run_golden(contents: BundleContents, *, predictor: Predictor, timeout_s: float) -> float:
    """Score each golden case as a patient's recordings would be, and compare.

    Args:
        contents: of a bundle, staged or installed.
        predictor: has the bundle's graph loaded.
        timeout_s: for each case.

    Returns:
        The largest difference to an expected probability, at most the manifest's tolerance.

    Raises:
        GoldenMismatch: a case differs by more.
        PredictionFailed, PredictionTimeout: a case could not be scored.
    """
    golden = contents.manifest.golden
    differences = []
    for case in golden.cases:
        found = _probability(case, contents, predictor, timeout_s)
        difference = abs(found - case.probability)
        if difference > golden.tolerance:
            raise GoldenMismatch(
                case=case.id,
                expected=case.probability,
                found=found,
                tolerance=golden.tolerance,
            )
        differences.append(difference)
    return max(differences)


def _probability(
    case: GoldenCase, contents: BundleContents, predictor: Predictor, timeout_s: float
) -> float:
    wavs = {role: read_wav(contents.golden[name]) for role, name in case.recordings.items()}
    waveforms = {role: (wav.waveform(), wav.sample_rate_hz) for role, wav in wavs.items()}
    inputs = build_inputs(contents.manifest, waveforms, case.metadata)
    graph_sha256 = contents.manifest.graph_sha256
    return predictor.score(graph_sha256, inputs, timeout_s=timeout_s).probability
