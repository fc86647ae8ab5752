"""Jitter and shimmer: how much one period differs from the next, in length and in amplitude.

Local jitter is the mean absolute difference of consecutive periods over the mean period, local
shimmer the same of amplitudes (Praat manual, "Voice 2. Jitter" and "Voice 3. Shimmer"); pairs of
which one period is over 1.3 times the other are left out, as there. Marks are set as in its
"To PointProcess (cc)": from an extremum, the next lies where the waveform correlates best with
what is around the first, between 0.8 and 1.2 periods on. There the marks form one chain through
the recording; here three are set anew in each stretch, so that nothing is counted in a loop, and
an amplitude is that of the whole period about a mark, so that the place of marks matters little.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import conv1d

from models.acoustics.period import F0_MIN_HZ, RATE_HZ, parabola

LONGEST: Final = int(np.ceil(RATE_HZ / F0_MIN_HZ)) + 1
"""Samples of the longest period."""
REACH: Final = 4 * LONGEST
"""Samples that a stretch reaches to either side of its middle."""

_HALF = LONGEST // 2 + 1
_FLEX = 0.2
_STEPS = int(_FLEX * LONGEST) + 2
_RATIO_MAX = 1.3
_TINY = 1e-9
_NEVER = -1e6


class Perturbation(NamedTuple):
    """Of each stretch, float32[k]: two periods in samples, two amplitudes, and whether to count."""

    first: Tensor
    second: Tensor
    amplitude_first: Tensor
    amplitude_second: Tensor
    counts: Tensor

    def jitter_pct(self) -> Tensor:
        """Return local jitter, float32[], 0 without a pair."""
        return _relative(self.first, self.second, self.counts)

    def shimmer_pct(self) -> Tensor:
        """Return local shimmer, float32[], 0 without a pair."""
        return _relative(self.amplitude_first, self.amplitude_second, self.counts)


class PerturbationFinder(nn.Module):
    """Marks three glottal pulses in stretches float32[k, 2 REACH + 1]."""

    def forward(self, stretches: Tensor, period: Tensor, voiced: Tensor) -> Perturbation:
        """Return two consecutive periods and amplitudes of each stretch.

        Args:
            stretches: float32[k, 2 REACH + 1] at 16 kHz.
            period: float32[k], in samples, of each stretch.
            voiced: float32[k], 0 or 1.
        """
        x = stretches - stretches.mean(dim=1, keepdim=True)
        near = torch.arange(-_HALF, _HALF + 1)
        middle = x[:, REACH - _HALF : REACH + _HALF + 1].abs()
        middle = torch.where(near.abs() <= period[:, None] / 2, middle, 0.0)
        mark = middle.argmax(dim=1, keepdim=True) + (REACH - _HALF)
        first = _next_period(x, mark, period)
        following = mark + torch.round(first).to(torch.int64)[:, None]
        second = _next_period(x, following, period)
        last = following + torch.round(second).to(torch.int64)[:, None]
        longer, shorter = torch.maximum(first, second), torch.minimum(first, second)
        return Perturbation(
            first=first,
            second=second,
            # Not at the first mark: it was chosen for being high.
            amplitude_first=_amplitude(x, following, period),
            amplitude_second=_amplitude(x, last, period),
            counts=voiced * (longer <= _RATIO_MAX * shorter).float(),
        )


def _next_period(x: Tensor, mark: Tensor, period: Tensor) -> Tensor:
    """Return float32[k]: how far after the mark the waveform looks like that around the mark."""
    around = torch.arange(-_HALF, _HALF + 1)
    own = (around.abs() <= period[:, None] / 2).float()
    pattern = x.gather(1, mark + around) * own
    start = mark + torch.round(period).to(torch.int64)[:, None]
    later = x.gather(1, start + torch.arange(-_HALF - _STEPS, _HALF + _STEPS + 1))
    product, energy = _slid_along(later, pattern), _slid_along(later**2, own)
    likeness = product / torch.sqrt(energy.clamp(min=_TINY))
    steps = torch.arange(-_STEPS, _STEPS + 1)
    allowed = steps.abs() <= _FLEX * period[:, None]
    likeness = torch.where(allowed, likeness, _NEVER)
    best = likeness.argmax(dim=1, keepdim=True).clamp(1, 2 * _STEPS - 1)
    left, top, right = (likeness.gather(1, best + step) for step in (-1, 0, 1))
    shift, _ = parabola(left, top, right)
    whole = torch.round(period) + (best.squeeze(1) - _STEPS).float()
    return whole + shift.squeeze(1)


def _slid_along(later: Tensor, patterns: Tensor) -> Tensor:
    """Return float32[k, n - m + 1]: the product of each row with its pattern, place by place.

    A convolution of one channel a row: laid out by `unfold` it would be ten times slower.
    """
    return conv1d(later[None], patterns[:, None], groups=patterns.shape[0])[0]


def _amplitude(x: Tensor, mark: Tensor, period: Tensor) -> Tensor:
    """Return float32[k]: the root mean square of the period, weighted by a Hann window."""
    around = torch.arange(-_HALF, _HALF + 1)
    phase = around / (0.5 * period[:, None])
    weight = torch.where(phase.abs() < 1, 0.5 + 0.5 * torch.cos(torch.pi * phase), 0.0)
    squares = (x.gather(1, mark + around) ** 2 * weight).sum(dim=1)
    return torch.sqrt(squares / weight.sum(dim=1))


def _relative(first: Tensor, second: Tensor, counts: Tensor) -> Tensor:
    difference = ((first - second).abs() * counts).sum()
    mean = (0.5 * (first + second) * counts).sum()
    return 100.0 * difference / mean.clamp(min=_TINY)
