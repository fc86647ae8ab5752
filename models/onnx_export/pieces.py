"""The two pieces of the graph that PyTorch exports: the front end, and the score of a window."""

from __future__ import annotations

from typing import Final

import torch
from onnx import ModelProto
from torch import Tensor, nn

from models.onnx_export.exporting import exported
from models.spiraconv.front_end import Cepstrum, MelDecibels
from models.spiraconv.network import N_FRAMES, N_MFCC, MishByOneExp, SpiraConv
from models.spiraconv.parameters import Parameters
from models.spiraconv.windows import STEP

# Sizes seen while tracing; the exported graph does not depend on them.
_TRACED_SECONDS: Final = 7
_TRACED_WINDOWS: Final = 4
_MOST_SECONDS: Final = 4 * 150


class _WindowScore(nn.Module):
    """Decibels of one window in, its probability out."""

    def __init__(self, cepstrum: Cepstrum, network: SpiraConv) -> None:
        super().__init__()
        self.cepstrum = cepstrum
        self.network = network

    def forward(self, decibels: Tensor) -> Tensor:
        """Return float32[1] of float32[401, 40]."""
        return torch.sigmoid(self.network(self.cepstrum(decibels).unsqueeze(0)))


def front_end(parameters: Parameters) -> ModelProto:
    """Return `samples` [16,000 n], `first_rows` [w] -> `decibels` [w, 401, 40]."""
    seconds = torch.export.Dim("n_seconds", min=4, max=_MOST_SECONDS)
    windows = torch.export.Dim("n_windows")
    arguments = (
        torch.zeros(_TRACED_SECONDS * STEP),
        torch.arange(_TRACED_WINDOWS, dtype=torch.int64) * 100,
    )
    return exported(
        MelDecibels(dict(parameters.filters)).eval(),
        arguments,
        inputs=["samples", "first_rows"],
        outputs=["decibels"],
        dynamic_shapes=({0: STEP * seconds}, {0: windows}),
    )


def window_score(parameters: Parameters) -> ModelProto:
    """Return `decibels` [401, 40] -> `probability` [1]."""
    module = _WindowScore(Cepstrum(dict(parameters.filters)), parameters.build(MishByOneExp))
    arguments = (torch.zeros(N_FRAMES, N_MFCC),)
    return exported(module.eval(), arguments, inputs=["decibels"], outputs=["probability"])
