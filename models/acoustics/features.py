"""The features of a recording by name: a torch module, so that a graph can compute them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.acoustics.pauses import pauses
from models.acoustics.period import RATE_HZ, STRETCH, PeriodFinder, median_where
from models.acoustics.perturbation import REACH, PerturbationFinder

FEATURES: Final = (
    "present",
    "duration_s",
    "n_pauses",
    "pauses_s",
    "mean_pause_s",
    "utterance_s",
    "phonation_s",
    "f0_hz",
    "f0_sd_hz",
    "jitter_pct",
    "shimmer_pct",
    "hnr_db",
)
"""Of each recording, in this order; one that is absent has zeros."""

N_STRETCHES: Final = 256
"""Stretches a recording, spread evenly: its length does not change the work."""


class RecordingFeatures(nn.Module):
    """Twelve numbers of one recording."""

    def __init__(self) -> None:
        """Lay out the matrices."""
        super().__init__()
        self.periods = PeriodFinder()
        self.perturbation = PerturbationFinder()

    def forward(self, samples: Tensor) -> Tensor:
        """Return float32[12], named by FEATURES, of float32[1, n_samples] at 16 kHz, n from 0."""
        x = samples.reshape(-1)
        n = x.shape[0]
        padded = torch.cat((torch.zeros(REACH), x, torch.zeros(REACH + STRETCH)))
        # No stretch crosses an edge, where a constant would jump.
        span = torch.ones(1, dtype=torch.int64) * n - STRETCH
        middles = STRETCH // 2 + torch.arange(N_STRETCHES) * span.clamp(min=0) // N_STRETCHES
        around = torch.arange(2 * REACH + 1)
        stretches = padded[middles[:, None] + around]
        inner = stretches[:, REACH - STRETCH // 2 : REACH + STRETCH // 2]
        periods = self.periods(inner, padded.abs().max())
        voiced = periods.voiced * (span >= 0).float()
        found = self.perturbation(stretches, periods.period, voiced)
        duration = torch.ones(1) * n / RATE_HZ
        values = (
            duration.clamp(max=1.0 / RATE_HZ) * RATE_HZ,
            duration,
            *pauses(padded),
            voiced.mean() * duration,
            *_f0(periods.period, voiced),
            found.jitter_pct(),
            found.shimmer_pct(),
            _mean(periods.hnr_db, voiced),
        )
        return torch.cat([value.reshape(1) for value in values])


def feature_names(roles: Sequence[str], answers: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the names of the columns: `parlenda_n_pauses`, and the answers as they are called."""
    return (*(f"{role}_{feature}" for role in roles for feature in FEATURES), *answers)


def features(
    waveforms: Mapping[str, NDArray[np.float32]],
    roles: Sequence[str],
    answers: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return float32[n_columns], by `feature_names`, as the graph will compute them.

    Args:
        waveforms: role -> float32[n_samples] at 16 kHz; what is absent has zeros.
        roles: of the model, in its order.
        answers: float32[n_answers], encoded as the manifest says.
    """
    absent = np.zeros(0, dtype=np.float32)
    heard = [torch.from_numpy(waveforms.get(role, absent)[np.newaxis]) for role in roles]
    with torch.inference_mode():
        found = [_measuring()(samples).numpy() for samples in heard]
    return np.concatenate(found if answers is None else [*found, answers])


@cache
def _measuring() -> RecordingFeatures:
    """Return the module; laying its matrices out takes longer than a recording."""
    return RecordingFeatures().eval()


def _f0(period: Tensor, voiced: Tensor) -> tuple[Tensor, Tensor]:
    """Return median and standard deviation of F0 in Hz over the voiced stretches, else 0."""
    f0 = RATE_HZ / period
    spread = torch.sqrt(_mean((f0 - _mean(f0, voiced)) ** 2, voiced))
    return median_where(f0, voiced), spread


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1.0)
