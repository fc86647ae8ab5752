"""The one change of sample rate: box, training and golden recordings all call this function."""

from __future__ import annotations

from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

SOXR_HQ: Final = "soxr-hq"
"""The name a bundle's manifest gives to this method (BUNDLE.md)."""

RESAMPLERS: Final = frozenset({SOXR_HQ})


def resample(waveform: NDArray[np.float32], *, from_hz: int, to_hz: int) -> NDArray[np.float32]:
    """Return the waveform at the other rate, by libsoxr's HQ recipe; unchanged if they are equal.

    Args:
        waveform: float32[n_samples], full scale ±1.0; may be empty.
        from_hz: rate of `waveform`, above 0.
        to_hz: rate wanted, above 0.

    Returns:
        float32[round(n_samples · to_hz / from_hz)]; a peak may pass ±1.0 by the filter's ripple.
    """
    if from_hz == to_hz or waveform.size == 0:
        return waveform
    resampled: NDArray[np.float32] = soxr.resample(waveform, from_hz, to_hz, quality="HQ")
    return resampled
