"""A PyTorch module that keeps the contract, trained and logged with `mlflow.pytorch`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool1d

from models.kinds.statement import AuthorStatement
from models.mlflow_import import mlflow
from models.templates.study import Score, Someone

_FRAME: Final = 400
"""Samples: 25 ms."""
_HOP: Final = 160
_QUIETEST: Final = 1e-8
_N_COLUMNS: Final = 3 * 4 + 3
"""Four of each recording, and three answers."""
_N_STEPS: Final = 300


class EnvelopeNetwork(nn.Module):
    """How loudness goes up and down, and the answers, through two small layers."""

    centre: Tensor
    spread: Tensor

    def __init__(self) -> None:
        """Lay out weights that nobody has trained."""
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(_N_COLUMNS, 8), nn.Tanh(), nn.Linear(8, 1))
        self.register_buffer("centre", torch.zeros(_N_COLUMNS))
        self.register_buffer("spread", torch.ones(_N_COLUMNS))

    def forward(
        self, sustentada: Tensor, parlenda: Tensor, frase: Tensor, metadata: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return `probability` [1] and `raw_output` [1, 1].

        Args:
            sustentada, parlenda, frase: float32[1, n] at 16 kHz, named after their roles; [1, 0]
                of an optional one that is absent.
            metadata: float32[1, 3], as bundle.toml encodes the answers.
        """
        columns = self.columns(sustentada, parlenda, frase, metadata)
        logit = self.layers((columns - self.centre) / self.spread)
        return torch.sigmoid(logit).reshape(1), logit

    def columns(
        self, sustentada: Tensor, parlenda: Tensor, frase: Tensor, metadata: Tensor
    ) -> Tensor:
        """Return float32[1, 15]."""
        heard = [_envelope(samples) for samples in (sustentada, parlenda, frase)]
        return torch.cat([*heard, metadata], dim=1)


def _envelope(samples: Tensor) -> Tensor:
    """Return float32[1, 4] of float32[1, n], n from 0: seconds, mean level, spread, quiet share."""
    seconds = torch.ones(1, 1) * samples.shape[1] / 16_000
    # Silence first, so that there are two frames even of nothing: where one is possible, the
    # export holds for two and more alone.
    padded = torch.cat((torch.zeros(1, _FRAME + _HOP), samples), dim=1)
    level = torch.log10(avg_pool1d(padded**2, _FRAME, _HOP).clamp(min=_QUIETEST))
    mean = level.mean(dim=1, keepdim=True)
    spread = ((level - mean) ** 2).mean(dim=1, keepdim=True)
    quiet = torch.sigmoid(4 * (level.max() - 2 - level)).mean(dim=1, keepdim=True)
    return torch.cat((seconds, mean, spread, quiet), dim=1)


def train(people: Sequence[Someone], statement: AuthorStatement) -> EnvelopeNetwork:
    """Return a network trained on these people; the same ones give the same network."""
    torch.manual_seed(0)
    network = EnvelopeNetwork()
    with torch.no_grad():
        rows = torch.cat([network.columns(*_tensors(someone, statement)) for someone in people])
    network.centre, network.spread = rows.mean(dim=0), rows.std(dim=0).clamp(min=1e-3)
    labels = torch.tensor([[float(someone.label)] for someone in people])
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01, weight_decay=0.01)
    for _ in range(_N_STEPS):
        optimizer.zero_grad()
        logits = network.layers((rows - network.centre) / network.spread)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, labels)
        torch.autograd.backward(loss)
        optimizer.step()
    return network.eval()


def score_of(network: nn.Module, statement: AuthorStatement) -> Score:
    """Return what gives somebody's probability."""

    def score(someone: Someone) -> float:
        with torch.inference_mode():
            return float(network(*_tensors(someone, statement))[0])

    return score


def log(network: nn.Module, statement: AuthorStatement, extra_files: list[str]) -> str:
    """Log a module without a pickle, in the active run; return the model's URI.

    The example shows how many axes there are; the signature says which of them are open: -1.
    """
    widths = dict.fromkeys(statement.role_names, -1)
    if statement.metadata:
        widths["metadata"] = len(statement.metadata)
    schema = mlflow.types.Schema(
        [
            mlflow.types.TensorSpec(np.dtype(np.float32), (1, width), name)
            for name, width in widths.items()
        ]
    )
    example = tuple(
        torch.zeros(1, width if width > 0 else 16_000 + place)
        for place, width in enumerate(widths.values())
    )
    logged = mlflow.pytorch.log_model(
        network,
        name="model",
        serialization_format="pt2",
        input_example=example,
        signature=mlflow.models.ModelSignature(inputs=schema),
        extra_files=extra_files,
        pip_requirements=["torch"],
    )
    uri: str = logged.model_uri
    return uri


def _tensors(someone: Someone, statement: AuthorStatement) -> list[Tensor]:
    given = someone.inputs(statement)
    return [torch.from_numpy(given[name]) for name in statement.inputs]
