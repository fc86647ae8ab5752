"""The network: four convolutions along time, two dense layers, one logit a window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

N_FRAMES: Final = 401
N_MFCC: Final = 40
N_HIDDEN: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    n_in: int
    n_out: int
    kernel: int
    dilation: int
    n_groups: int
    pool: bool


# V2 of the published `models/spiraconv.py` (group norm; V1 had batch norm).
_LAYERS: Final = (
    _Layer(n_in=1, n_out=32, kernel=7, dilation=2, n_groups=16, pool=True),
    _Layer(n_in=32, n_out=16, kernel=5, dilation=2, n_groups=8, pool=True),
    _Layer(n_in=16, n_out=8, kernel=3, dilation=2, n_groups=4, pool=True),
    _Layer(n_in=8, n_out=4, kernel=2, dilation=1, n_groups=2, pool=False),
)
_N_FLAT: Final = 4 * 43 * N_MFCC


class SpiraConv(nn.Module):
    """float32[n_windows, 401, 40] of MFCC in, float32[n_windows] of logits out; 691,613 weights."""

    def __init__(self, *, dropout: float, mish: Callable[[], nn.Module] = nn.Mish) -> None:
        """Build the layers with random weights.

        Args:
            dropout: share of activations left out in training; 0.7 in the publication.
            mish: the activation; exports pass one that is faster in ONNX Runtime.
        """
        super().__init__()
        layers: list[nn.Module] = []
        for layer in _LAYERS:
            layers += _convolution(layer, mish)
            layers.append(nn.Dropout(dropout))
        self.convolutions = nn.Sequential(*layers)
        self.dense = nn.Sequential(
            nn.Linear(_N_FLAT, N_HIDDEN), mish(), nn.Dropout(dropout), nn.Linear(N_HIDDEN, 1)
        )

    def forward(self, mfcc: Tensor) -> Tensor:
        """Return one logit a window."""
        maps = self.convolutions(mfcc.unsqueeze(1))
        logits: Tensor = self.dense(maps.flatten(1)).squeeze(1)
        return logits


def _convolution(layer: _Layer, mish: Callable[[], nn.Module]) -> list[nn.Module]:
    modules = [
        nn.Conv2d(
            layer.n_in, layer.n_out, kernel_size=(layer.kernel, 1), dilation=(layer.dilation, 1)
        ),
        nn.GroupNorm(layer.n_groups, layer.n_out),
        mish(),
    ]
    return [*modules, nn.MaxPool2d((2, 1))] if layer.pool else modules


class MishByOneExp(nn.Module):
    """Mish with a single exponential: x·n/(n+2), n = e(e+2), e = exp(x).

    Equal to x·tanh(softplus(x)), which costs ONNX Runtime two to three times as much. Above 20
    the quotient is 1 in float32, so clipping there keeps e² finite and changes nothing.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return float32 of the shape of x."""
        e = torch.exp(torch.clamp(x, max=20.0))
        n = e * (e + 2.0)
        return x * (n / (n + 2.0))
