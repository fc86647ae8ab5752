"""F0 and harmonics-to-noise ratio of short stretches, by autocorrelation.

P. Boersma, Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise
ratio of a sampled sound, Proceedings of the Institute of Phonetic Sciences 17, Amsterdam 1993,
97-110: the autocorrelation r of the windowed stretch is divided by that of the window; its best
maximum, less a cost for low octaves, is the period, and HNR = 10 lg(r / (1 - r)) there; a stretch
is voiced if r exceeds a threshold that rises where it is quiet. Between samples r is interpolated
without error up to half the rate (by the transform itself, four times finer, then a parabola).
In place of his search for the best path, a second look keeps each stretch within three quarters
of an octave of the median of all: without it a hoarse voice is now and then heard an octave low.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

RATE_HZ: Final = 16_000
F0_MIN_HZ: Final = 75.0
F0_MAX_HZ: Final = 500.0
STRETCH: Final = 960
"""Samples: 60 ms, four and a half periods of the lowest F0."""

_OCTAVE_COST = 0.01
_VOICING_THRESHOLD = 0.45
_SILENCE_THRESHOLD = 0.03
_LONGEST = int(np.ceil(RATE_HZ / F0_MIN_HZ)) + 1
_N_FOURIER = 1200  # at least STRETCH + _LONGEST: no lag wraps around
_FINER = 4  # lags a sample
_R_MAX = 1.0 - 1e-6
_OCTAVES_FROM_MEDIAN = 0.75
_NEVER = -1.0
_BEYOND_ALL = 1e6  # samples or Hz
_POWER_MIN = 1e-7  # of a stretch: below it there is nothing but rounding


class Periods(NamedTuple):
    """One value a stretch, float32[k]: `voiced` is 0 or 1, the others hold where it is 1."""

    period: Tensor
    """In samples."""
    hnr_db: Tensor
    voiced: Tensor


class _Peak(NamedTuple):
    period: Tensor
    height: Tensor


class PeriodFinder(nn.Module):
    """Periods of stretches float32[k, 960]; the transforms are products with fixed matrices."""

    window: Tensor
    transform: Tensor
    back: Tensor
    window_correlation: Tensor
    lags: Tensor
    octave_cost: Tensor

    def __init__(self) -> None:
        """Lay out the matrices."""
        super().__init__()
        window = np.hanning(STRETCH + 2)[1:-1]
        bins = np.arange(_N_FOURIER // 2 + 1)
        angles = 2 * np.pi * np.outer(np.arange(STRETCH), bins) / _N_FOURIER
        twice = np.full(bins.size, 2.0)
        twice[[0, -1]] = 1.0
        lags = np.arange(
            _FINER * int(RATE_HZ / F0_MAX_HZ) - 1, _FINER * _LONGEST + 1, dtype=np.float64
        )
        lags /= _FINER
        back = twice[:, None] * np.cos(2 * np.pi * np.outer(bins, lags) / _N_FOURIER) / _N_FOURIER
        spectrum = np.abs(np.fft.rfft(window, _N_FOURIER)) ** 2
        own = spectrum @ back / (window @ window)
        self._keep("window", window)
        self._keep("transform", np.hstack([np.cos(angles), np.sin(angles)]) * window[:, None])
        self._keep("back", back)
        self._keep("window_correlation", own)
        self._keep("lags", lags)
        self._keep("octave_cost", _OCTAVE_COST * np.log2(F0_MIN_HZ * lags / RATE_HZ))

    def _keep(self, name: str, values: NDArray[np.float64]) -> None:
        self.register_buffer(name, torch.from_numpy(values.astype(np.float32)), persistent=False)

    def forward(self, stretches: Tensor, loudest: Tensor) -> Periods:
        """Return the periods.

        Args:
            stretches: float32[k, 960] at 16 kHz.
            loudest: float32[], largest absolute sample of the whole recording.
        """
        centred = stretches - stretches.mean(dim=1, keepdim=True)
        parts = centred @ self.transform
        n_bins = _N_FOURIER // 2 + 1
        power = parts[:, :n_bins] ** 2 + parts[:, n_bins:] ** 2
        whole = ((centred * self.window) ** 2).sum(dim=1, keepdim=True)
        r = (power @ self.back) / whole.clamp(min=_POWER_MIN) / self.window_correlation
        threshold = self._threshold(centred.abs().amax(dim=1), loudest)
        peaks = (r[:, 1:-1] >= r[:, :-2]) & (r[:, 1:-1] >= r[:, 2:])
        strength = r[:, 1:-1] - self.octave_cost[1:-1]
        first = self._best(r, torch.where(peaks, strength, _NEVER))
        median = median_where(first.period, (first.height > threshold).float())
        near = torch.log2(self.lags[1:-1] / median.clamp(min=1.0)).abs() < _OCTAVES_FROM_MEDIAN
        kept = torch.where(peaks & near, strength, _NEVER)
        best = self._best(r, kept)
        height = best.height.clamp(1.0 - _R_MAX, _R_MAX)
        return Periods(
            period=best.period,
            hnr_db=10.0 * torch.log10(height / (1.0 - height)),
            voiced=((height > threshold) & (kept.amax(dim=1) > _NEVER)).float(),
        )

    def _best(self, r: Tensor, strength: Tensor) -> _Peak:
        """Return the strongest maximum of each stretch, found between the lags."""
        best = strength.argmax(dim=1, keepdim=True)
        left, middle, right = (r.gather(1, best + step) for step in range(3))
        shift, height = parabola(left, middle, right)
        lag = self.lags[best + 1].squeeze(1) + shift.squeeze(1) / _FINER
        return _Peak(period=lag, height=height.squeeze(1))

    @staticmethod
    def _threshold(peak: Tensor, loudest: Tensor) -> Tensor:
        """Return what the correlation must exceed: more where it is quiet."""
        quiet = _SILENCE_THRESHOLD / (1.0 + _VOICING_THRESHOLD)
        return _VOICING_THRESHOLD + (2.0 - peak / loudest.clamp(min=1e-9) / quiet).clamp(min=0.0)


def parabola(left: Tensor, middle: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """Return where the parabola through three neighbours has its top, and its height.

    The place is between -0.5 and 0.5 of a step from the middle one.
    """
    bend = (left - 2.0 * middle + right).clamp(max=-1e-9)
    shift = (0.5 * (left - right) / bend).clamp(-0.5, 0.5)
    return shift, middle - 0.25 * (left - right) * shift


def median_where(values: Tensor, counted: Tensor) -> Tensor:
    """Return float32[1], the median of positive float32[k] where `counted` is 1, else 0."""
    n_counted = counted.sum()
    ordered = torch.sort(torch.where(counted > 0, values, _BEYOND_ALL)).values
    lower = ((n_counted - 1).clamp(min=0) / 2).floor().to(torch.int64).reshape(1)
    upper = (n_counted / 2).floor().to(torch.int64).reshape(1).clamp(max=values.shape[0] - 1)
    median = 0.5 * (ordered.gather(0, lower) + ordered.gather(0, upper))
    return torch.where(n_counted > 0, median, 0.0)
