"""The loop: random windows in, the weights of the best epoch out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.progress import Progress
from models.spiraconv.network import SpiraConv
from models.training.examples import Examples, probabilities
from models.training.plan import TrainingPlan

_LEAST_PROBABILITY: Final = 1e-6
_MICRO: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """How one pass ended; losses are mean cross-entropies in nats.

    Those of validation are of people, by the middle window of each recording.
    """

    number: int
    train_loss: float
    validation_loss: float
    validation_accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """The network of the epoch with the least validation loss, and all epochs."""

    network: SpiraConv
    best: Epoch
    epochs: tuple[Epoch, ...]


def fit(
    plan: TrainingPlan,
    train: Examples,
    validation: Examples,
    *,
    progress: Progress,
    on_epoch: Callable[[Epoch], None],
) -> Fit:
    """Return the trained network; the same plan gives the same network on one machine."""
    torch.manual_seed(plan.seed)
    torch.use_deterministic_algorithms(mode=True)
    # Nothing here reads memory before it is written; filling all of it would cost a sixth.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    order = np.random.default_rng([plan.seed, 0])
    network = SpiraConv(dropout=plan.dropout)
    steps = _Steps(network, plan, n_steps=plan.n_epochs * -(-train.n_recordings // plan.batch))
    judges = _middles(validation)
    epochs: list[Epoch] = []
    best: dict[str, Tensor] = {}
    for number in range(1, plan.n_epochs + 1):
        train_loss = _one_pass(steps, train, plan.batch, order)
        epochs.append(_judged(number, train_loss, network, judges))
        if epochs[-1] == _best(epochs):
            best = {name: value.clone() for name, value in network.state_dict().items()}
        on_epoch(epochs[-1])
        progress("training, epoch", number, plan.n_epochs)
    network.load_state_dict(best)
    return Fit(network=network.eval(), best=_best(epochs), epochs=tuple(epochs))


def _best(epochs: list[Epoch]) -> Epoch:
    return min(epochs, key=lambda epoch: epoch.validation_loss)


class _Steps:
    """Gradient steps at a rate that rises and falls once over the whole run."""

    def __init__(self, network: SpiraConv, plan: TrainingPlan, *, n_steps: int) -> None:
        self.network = network
        self._optimizer = torch.optim.AdamW(
            network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay
        )
        self._rate = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer, max_lr=plan.learning_rate, total_steps=n_steps
        )

    def take(self, windows: Tensor, labels: Tensor) -> float:
        """Take one step; return the loss before it."""
        self._optimizer.zero_grad()
        total = 0.0
        # A few windows at a time keep their activations in the processor's cache: twice as fast.
        for part, truth in zip(
            torch.split(windows, _MICRO), torch.split(labels, _MICRO), strict=True
        ):
            loss = nn.functional.binary_cross_entropy_with_logits(
                self.network(part), truth, reduction="sum"
            ) / len(windows)
            torch.autograd.backward(loss)
            total += loss.item()
        self._optimizer.step()
        self._rate.step()
        return total


def _one_pass(steps: _Steps, train: Examples, batch: int, order: np.random.Generator) -> float:
    """Train on one random window of each recording; return the mean loss."""
    steps.network.train()
    takes = [(take, person.label) for person in train.people for take in person.windows]
    losses: list[float] = []
    shuffled = order.permutation(len(takes))
    for start in range(0, len(takes), batch):
        chosen = [takes[i] for i in shuffled[start : start + batch]]
        windows = torch.stack([take[order.integers(len(take))] for take, _ in chosen])
        labels = torch.tensor([label for _, label in chosen])
        losses.append(steps.take(windows, labels) * len(chosen))
    return sum(losses) / len(takes)


def _middles(everyone: Examples) -> Examples:
    """Return the middle window of each recording: enough to choose an epoch, a quarter the work."""
    return replace(
        everyone,
        people=tuple(
            replace(someone, windows=tuple(w[len(w) // 2 :][:1] for w in someone.windows))
            for someone in everyone.people
        ),
    )


def _judged(number: int, train_loss: float, network: SpiraConv, validation: Examples) -> Epoch:
    network.eval()
    found, labels = probabilities(network, validation)
    return Epoch(
        number=number,
        train_loss=train_loss,
        validation_loss=_cross_entropy(found, labels),
        validation_accuracy=float(np.mean((found >= 0.5) == (labels == 1.0))),  # noqa: PLR2004
    )


def _cross_entropy(found: NDArray[np.float64], labels: NDArray[np.float64]) -> float:
    of_truth = np.where(labels == 1.0, found, 1.0 - found)
    return float(-np.log(np.maximum(of_truth, _LEAST_PROBABILITY)).mean())
