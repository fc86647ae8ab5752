"""The one change of sample rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.resampling import RESAMPLERS, SOXR_HQ, resample

RATES_HZ = (16_000, 22_050, 44_100, 48_000, 96_000)


def sine(frequency_hz: float, *, rate_hz: int, n_samples: int) -> np.ndarray:
    """Return float32[n_samples] of amplitude 0.5."""
    phase = 2 * np.pi * frequency_hz * np.arange(n_samples) / rate_hz
    return (0.5 * np.sin(phase)).astype(np.float32)


@given(
    n_samples=st.integers(0, 5_000),
    from_hz=st.sampled_from(RATES_HZ),
    to_hz=st.sampled_from(RATES_HZ),
)
def test_length_follows_the_ratio(n_samples: int, from_hz: int, to_hz: int) -> None:
    """The result is float32 and as long as the ratio of the rates says, empty for empty."""
    resampled = resample(np.ones(n_samples, np.float32), from_hz=from_hz, to_hz=to_hz)
    assert resampled.dtype == np.float32
    assert abs(len(resampled) - n_samples * to_hz / from_hz) <= 0.5


def test_equal_rates_change_nothing() -> None:
    """At equal rates the very samples come back."""
    waveform = sine(440, rate_hz=16_000, n_samples=1_000)
    assert resample(waveform, from_hz=16_000, to_hz=16_000) is waveform


@pytest.mark.parametrize("from_hz", [44_100, 48_000, 96_000])
def test_a_tone_in_the_band_survives(from_hz: int) -> None:
    """A 1 kHz tone is the same tone at 16 kHz, away from the edges."""
    resampled = resample(
        sine(1_000, rate_hz=from_hz, n_samples=from_hz), from_hz=from_hz, to_hz=16_000
    )
    expected = sine(1_000, rate_hz=16_000, n_samples=16_000)
    assert np.max(np.abs(resampled[500:-500] - expected[500:-500])) < 1e-4


def test_a_tone_above_the_band_is_removed() -> None:
    """A 12 kHz tone does not fold back into 16 kHz audio."""
    resampled = resample(
        sine(12_000, rate_hz=48_000, n_samples=48_000), from_hz=48_000, to_hz=16_000
    )
    assert np.max(np.abs(resampled[500:-500])) < 1e-4


def test_the_method_is_named() -> None:
    """The manifest's name for the method is fixed."""
    assert {SOXR_HQ} == RESAMPLERS == {"soxr-hq"}
