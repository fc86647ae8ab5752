"""Pauses of a recording: stretches of silence between its first and its last sound.

Silence is what lies 25 dB or more below the loudest 50 ms and lasts 0.1 s, the defaults of
Praat's "To TextGrid (silences)"; sounds below 50 ms, clicks for the most part, end no pause.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool1d, max_pool1d

from models.acoustics.period import RATE_HZ

HOP: Final = RATE_HZ // 100
"""Samples: a frame each 10 ms."""

_BELOW_LOUDEST = 10 ** (-25.0 / 10)
_N_SOUND = 5  # frames, odd: 50 ms
_N_SILENCE = 10  # frames: 0.1 s
_SILENT_POWER = 1e-9  # -90 dB of full scale


class Pauses(NamedTuple):
    """float32[] each; without a sound all are 0."""

    n_pauses: Tensor
    pauses_s: Tensor
    """All together."""
    mean_pause_s: Tensor
    utterance_s: Tensor
    """From the first sound to the last, pauses included."""


def pauses(samples: Tensor) -> Pauses:
    """Return the pauses of float32[n_samples] at 16 kHz, n_samples 800 or more."""
    power = avg_pool1d((samples**2)[None], 2 * HOP, HOP)[0]
    smooth = avg_pool1d(power[None], _N_SOUND, 1, _N_SOUND // 2, count_include_pad=False)[0]
    loudest = smooth.max()
    sound = ((power > _BELOW_LOUDEST * loudest) & (power > _SILENT_POWER)).float()
    sound = _dilated(_eroded(sound, _N_SOUND), _N_SOUND)
    begun = (sound.cumsum(0) > 0).float()
    goes_on = (sound.flip(0).cumsum(0).flip(0) > 0).float()
    utterance = begun * goes_on
    silent = utterance * (1.0 - sound)
    # A frame ends a run of ten silent ones where the mean of the last ten is 1.
    padded = torch.cat((torch.zeros(_N_SILENCE - 1), silent))
    long_enough = (avg_pool1d(padded[None], _N_SILENCE, 1)[0] > 1.0 - 0.5 / _N_SILENCE).float()
    before = torch.cat((torch.zeros(1), long_enough[:-1]))
    starts = long_enough * (1.0 - before)
    n_pauses = starts.sum()
    seconds = (long_enough.sum() + (_N_SILENCE - 1) * n_pauses) * HOP / RATE_HZ
    return Pauses(
        n_pauses=n_pauses,
        pauses_s=seconds,
        mean_pause_s=seconds / n_pauses.clamp(min=1.0),
        utterance_s=utterance.sum() * HOP / RATE_HZ,
    )


def _dilated(mask: Tensor, n: int) -> Tensor:
    return max_pool1d(mask[None], n, 1, n // 2)[0]


def _eroded(mask: Tensor, n: int) -> Tensor:
    return 1.0 - _dilated(1.0 - mask, n)
