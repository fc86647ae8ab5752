"""The features as the box computes them: MFCC by matrix products, the STFT shared by windows.

Windows overlap by three quarters, and a frame that lies inside its window is the same in all of
them: it is computed once for the whole recording. The first and the last two frames of a window
see its edges, where the STFT reflects the signal, so they are computed a window at a time.

A frame is 400 samples around its centre c, weighted by a symmetric window: its spectrum needs
only x[c+j] + x[c-j] for the cosines and x[c+j] - x[c-j] for the sines, half the products.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.spiraconv.network import N_FRAMES
from models.spiraconv.reference import HOP, N_FFT, TOP_DB, WIN, mfcc_transform
from models.spiraconv.windows import WINDOW

_HALF: Final = WIN // 2
_INNER: Final = slice(2, N_FRAMES - 2)
_EDGES: Final = (0, 1, N_FRAMES - 2, N_FRAMES - 1)
_AMIN: Final = 1e-10
_DB: Final = 10.0 / math.log(10.0)


class MelDecibels(nn.Module):
    """Samples of all roles, end to end, in; decibels of the mel bands of each window out."""

    cosines: Tensor
    sines: Tensor
    mel: Tensor
    inner: Tensor
    edges: Tensor

    def __init__(self, constants: dict[str, NDArray[np.float32]]) -> None:
        """Take the filters from `constants` (see `filter_constants`)."""
        super().__init__()
        cosines, sines = _folded_basis(constants["window"])
        self.register_buffer("cosines", torch.from_numpy(cosines))
        self.register_buffer("sines", torch.from_numpy(sines))
        self.register_buffer("mel", torch.from_numpy(constants["mel"]))
        self.register_buffer("inner", torch.arange(_INNER.stop - _INNER.start))
        self.register_buffer("edges", torch.from_numpy(_edge_samples()))

    def forward(self, samples: Tensor, first_rows: Tensor) -> Tensor:
        """Return float32[n_windows, 401, 40].

        Args:
            samples: float32[160 · n_rows].
            first_rows: int64[n_windows], the row in which each window begins.
        """
        rows = samples.reshape(-1, HOP)
        # Frame g has its centre at 160 g and reaches from the last 40 samples of row g - 2 to
        # the first 40 of row g + 1. Frames 0 and 1 are nobody's inner frames.
        frames = torch.cat((rows[:-3, 120:], rows[1:-2], rows[2:-1], rows[3:, :40]), dim=1)
        shared = self._decibels(frames)
        inner = shared[first_rows.unsqueeze(1) + self.inner]
        at_edges = samples[(first_rows * HOP).reshape(-1, 1, 1) + self.edges]
        edges = self._decibels(at_edges.reshape(-1, WIN)).reshape(-1, len(_EDGES), inner.shape[2])
        return torch.cat((edges[:, :2], inner, edges[:, 2:]), dim=1)

    def _decibels(self, frames: Tensor) -> Tensor:
        """Return float32[n_frames, 40] of float32[n_frames, 400] centred at 200."""
        after = frames[:, _HALF + 1 :]
        before = torch.flip(frames[:, 1:_HALF], dims=(1,))
        even = torch.cat((frames[:, _HALF : _HALF + 1], after + before), dim=1)
        real = even @ self.cosines
        imaginary = (after - before) @ self.sines
        power = (real * real + imaginary * imaginary) @ self.mel
        return torch.log(torch.clamp(power, min=_AMIN)) * _DB


class Cepstrum(nn.Module):
    """Decibels of one window in, MFCC out."""

    dct: Tensor

    def __init__(self, constants: dict[str, NDArray[np.float32]]) -> None:
        """Take the DCT from `constants`."""
        super().__init__()
        self.register_buffer("dct", torch.from_numpy(constants["dct"]))

    def forward(self, decibels: Tensor) -> Tensor:
        """Return float32[..., 401, 40]; clamps at 80 dB below this window's own maximum."""
        floor = decibels.max() - TOP_DB
        return torch.maximum(decibels, floor) @ self.dct


def filter_constants() -> dict[str, NDArray[np.float32]]:
    """Return torchaudio's own `window` [400], `mel` [601, 40] and `dct` [40, 40].

    They are kept beside the weights: their last bits may depend on the processor, and the bytes
    of a packed model must not.
    """
    transform = mfcc_transform()
    return {
        "window": transform.MelSpectrogram.spectrogram.window.numpy(),
        "mel": transform.MelSpectrogram.mel_scale.fb.numpy(),
        "dct": transform.dct_mat.numpy(),
    }


def _folded_basis(
    window: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return cosines float32[200, 601] and sines float32[199, 601], weighted by the window.

    Built from one table of N_FFT values, so that no vectorised cosine can change a bit.
    """
    table = [math.cos(2 * math.pi * k / N_FFT) for k in range(N_FFT)]
    cosine = np.array(table, dtype=np.float64)
    turns = np.outer(np.arange(_HALF), np.arange(N_FFT // 2 + 1)) % N_FFT
    weights = window[_HALF:].astype(np.float64)[:, None]
    cosines = weights * cosine[turns]
    sines = weights * cosine[(turns - N_FFT // 4) % N_FFT]
    return cosines.astype(np.float32), sines[1:].astype(np.float32)


def _edge_samples() -> NDArray[np.int64]:
    """Return int64[4, 400]: the samples of the edge frames, reflected without repeating the end."""
    centres = np.array(_EDGES)[:, None] * HOP
    at = np.abs(centres + np.arange(-_HALF, _HALF)[None, :])
    last = WINDOW - 1
    return last - np.abs(last - at)
