"""The reference path, PyTorch and torchaudio: what the exported graph must agree with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.spiraconv.network import N_MFCC, SpiraConv
from models.spiraconv.windows import RATE_HZ, SHORTEST, STEP, WINDOW, n_windows
from models.torchaudio_import import MFCC

N_FFT: Final = 1_200
WIN: Final = 400
HOP: Final = 160
TOP_DB: Final = 80.0

Waveforms = Mapping[str, NDArray[np.float32]]
"""Role -> float32[n_samples] at 16 kHz; an absent role is missing or empty."""


def mfcc_transform() -> Any:  # noqa: ANN401 - torchaudio has no types
    """Return torchaudio's MFCC as published: 40 coefficients, decibels with top_db 80."""
    spectrogram = {"n_fft": N_FFT, "win_length": WIN, "hop_length": HOP, "n_mels": N_MFCC}
    return MFCC(sample_rate=RATE_HZ, n_mfcc=N_MFCC, melkwargs=spectrogram)


class Features:
    """Waveform in, MFCC of its windows out; each window on its own.

    torchaudio clamps decibels at 80 below the maximum of the tensor it is given: windows given
    together would share one maximum, and a loud cough would change all the others.
    """

    def __init__(self) -> None:
        """Build the filters once."""
        self._mfcc = mfcc_transform()

    def __call__(self, waveform: NDArray[np.float32]) -> Tensor:
        """Return float32[n_windows, 401, 40] of float32[n_samples]."""
        samples = torch.from_numpy(np.ascontiguousarray(waveform, dtype=np.float32))
        if 0 < samples.numel() < SHORTEST:
            samples = torch.nn.functional.pad(samples, (0, SHORTEST - samples.numel()))
        starts = range(0, STEP * n_windows(samples.numel()), STEP)
        windows = [self._mfcc(samples[start : start + WINDOW]).T for start in starts]
        return torch.stack(windows) if windows else torch.zeros(0, WINDOW // HOP + 1, N_MFCC)


@torch.no_grad()
def window_probabilities(
    network: SpiraConv, features: Features, waveforms: Waveforms, *, roles: tuple[str, ...]
) -> NDArray[np.float32]:
    """Return float32[n_windows], the windows of all roles in the order of `roles`."""
    network.eval()
    found = [features(waveforms[role]) for role in roles if role in waveforms]
    logits = [network(window.unsqueeze(0)) for windows in found for window in windows]
    probabilities: NDArray[np.float32] = torch.sigmoid(torch.cat(logits)).numpy()
    return probabilities
