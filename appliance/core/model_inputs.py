"""Recordings and answers as a graph takes them: golden cases and patients go this one way."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from appliance.core.manifest import METADATA_INPUT, Manifest
from appliance.core.metadata import encode_metadata
from appliance.core.resampling import resample


def build_inputs(
    manifest: Manifest,
    waveforms: Mapping[str, tuple[NDArray[np.float32], int]],
    form: Mapping[str, object],
) -> dict[str, NDArray[np.float32]]:
    """Return what to run the graph with, by name of its inputs.

    Args:
        manifest: of the model version; its `resampler` is the one this box has.
        waveforms: role -> (float32[n_samples], rate in Hz). Roles the model does not know are
            left out; an optional role that is absent becomes float32[1, 0].
        form: normalised answers.

    Returns:
        float32[1, n_samples] a role at the manifest's rate, and float32[1, n_fields] as
        `metadata` where the model uses answers.

    Raises:
        PredictionFailed: `metadata-type`.
        KeyError: a required role is absent, which `decide_before_run` has to find out before.
    """
    inputs = {
        entry.role: _input(waveforms[entry.role], manifest.sample_rate_hz)
        if entry.required or entry.role in waveforms
        else np.zeros((1, 0), np.float32)
        for entry in manifest.roles
    }
    if manifest.metadata:
        inputs[METADATA_INPUT] = encode_metadata(form, manifest.metadata)
    return inputs


def _input(waveform: tuple[NDArray[np.float32], int], rate_hz: int) -> NDArray[np.float32]:
    samples, from_hz = waveform
    resampled = resample(samples, from_hz=from_hz, to_hz=rate_hz)
    return np.ascontiguousarray(resampled, dtype=np.float32)[np.newaxis, :]
