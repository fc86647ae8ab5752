"""What the voices of training are made to sound like: other rooms, distances and microphones.

A change is drawn from chance alone: it never knows whose voice it changes or what became of them.
Noise that followed the label would teach a network the noise (SPIRA's first models fell from 97 to
50 % once ward noise stood behind controls, too).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.spiraconv.windows import RATE_HZ

_STEEPEST: Final = 2.0
"""The power of noise falls by 1/f^a: a is drawn from 0 (white) over 1 (pink) to 2 (red)."""
_ORDER: Final = 4
"""Of the Butterworth filters: 24 dB an octave."""

_Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How the windows of training are changed, each time one is drawn.

    Attributes:
        share: of windows changed by noise, of those by gain, of those by a band; each is drawn for
            itself. 0 to 1; 0 changes nothing.
        snrs_db: one is drawn: mean power of the window over that of the noise.
        gain_db: lowest and highest; less where the window would exceed full scale.
        low_cut_hz, high_cut_hz: lowest and highest corner (-3 dB) of the band that is heard.
    """

    share: float = 0.5
    snrs_db: tuple[float, ...] = (5.0, 10.0, 15.0, 20.0, 25.0)
    gain_db: tuple[float, float] = (-12.0, 12.0)
    low_cut_hz: tuple[float, float] = (40.0, 200.0)
    high_cut_hz: tuple[float, float] = (3_400.0, 7_600.0)


NO_AUGMENTATION: Final = Augmentation(share=0.0)


def faults(asked: Augmentation) -> Iterator[tuple[str, str]]:
    """Yield each field that makes no sense, and what would."""
    if not 0.0 <= asked.share <= 1.0:
        yield "share", "must be 0 to 1"
    if not asked.snrs_db or not all(map(math.isfinite, asked.snrs_db)):
        yield "snrs_db", "at least one number of decibels"
    if not -math.inf < asked.gain_db[0] <= asked.gain_db[1] < math.inf:
        yield "gain_db", "the lowest first, then the highest"
    if not 0.0 < asked.low_cut_hz[0] <= asked.low_cut_hz[1]:
        yield "low_cut_hz", "above 0 Hz, the lowest first"
    if not asked.low_cut_hz[1] < asked.high_cut_hz[0] <= asked.high_cut_hz[1] < RATE_HZ / 2:
        yield "high_cut_hz", f"above low_cut_hz and below {RATE_HZ // 2} Hz, the lowest first"


def augment(window: _Samples, asked: Augmentation, chance: np.random.Generator) -> _Samples:
    """Return float32[n_samples], changed by a band, noise and gain as chance has it.

    It draws equally much from `chance` for every sound of that length.

    Args:
        window: float32[n_samples] at 16 kHz, as it was recorded; not extended with silence.
        asked: what may be changed, and how far.
        chance: decides.
    """
    if asked.share == 0.0:
        return window
    by_band, by_noise, by_gain = chance.random(3) < asked.share
    low_hz, high_hz = chance.uniform(*asked.low_cut_hz), chance.uniform(*asked.high_cut_hz)
    snr_db, steepness = chance.choice(asked.snrs_db), chance.uniform(0.0, _STEEPEST)
    gain_db, noise_seed = chance.uniform(*asked.gain_db), int(chance.integers(2**63))
    if by_band:
        window = band_limited(window, low_hz=low_hz, high_hz=high_hz)
    if by_noise:
        window = noisy(window, snr_db, steepness, np.random.default_rng(noise_seed))
    return raised(window, gain_db if by_gain else 0.0)


def raised(window: _Samples, gain_db: float) -> _Samples:
    """Return the window at another level, at most full scale: nothing here clips."""
    peak = float(np.abs(window).max(initial=0.0))
    if peak == 0.0:
        return window
    return (window * min(10 ** (gain_db / 20), 1.0 / peak)).astype(np.float32)


def band_limited(window: _Samples, *, low_hz: float, high_hz: float) -> _Samples:
    """Return what is between two frequencies; the response of two Butterworth filters, no delay."""
    if window.size == 0:
        return window
    hz = np.maximum(np.fft.rfftfreq(window.size, 1 / RATE_HZ), np.finfo(float).tiny)
    with np.errstate(over="ignore"):  # 0 Hz is infinitely far below: nothing is left of it
        low = 1 / np.sqrt(1 + (low_hz / hz) ** (2 * _ORDER))
    high = 1 / np.sqrt(1 + (hz / high_hz) ** (2 * _ORDER))
    heard = np.fft.irfft(np.fft.rfft(window) * low * high, window.size)
    return heard.astype(np.float32)


def noisy(
    window: _Samples, snr_db: float, steepness: float, chance: np.random.Generator
) -> _Samples:
    """Return the window with noise of the power 1/f^steepness, so many decibels under its own."""
    if window.size == 0:
        return window
    spectrum = np.fft.rfft(chance.standard_normal(window.size))
    hz = np.fft.rfftfreq(window.size, 1 / RATE_HZ)
    hz[0] = np.inf  # no constant
    noise = np.fft.irfft(spectrum * _of_power(hz, steepness), window.size)
    own, of_noise = (float(np.mean(np.square(x, dtype=np.float64))) for x in (window, noise))
    if own == 0.0 or of_noise == 0.0:
        return window
    scale = math.sqrt(own / of_noise / 10 ** (snr_db / 10))
    return (window + scale * noise).astype(np.float32)


def _of_power(hz: NDArray[np.floating], steepness: float) -> NDArray[np.floating]:
    """Return the amplitudes of 1/f^steepness; flat below 20 Hz, which no microphone hears."""
    return np.where(np.isinf(hz), 0.0, np.maximum(hz, 20.0) ** (-steepness / 2))
