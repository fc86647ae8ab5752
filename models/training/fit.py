"""The loop: random windows in, the weights of the best epoch out; taken up where it was ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.progress import Progress
from models.spiraconv.network import SpiraConv
from models.training.checkpoint import Checkpoint, Kept, NotKept
from models.training.epoch import Epoch, best_of, is_over
from models.training.examples import Examples, probabilities
from models.training.plan import TrainingPlan
from models.training.takes import Take

_LEAST_PROBABILITY: Final = 1e-6
_MICRO: Final = 6
_NOT_KEPT: Final = NotKept()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """The network of the epoch with the least validation loss, and all epochs.

    Attributes:
        n_epochs_before: of those, how many were done before it was taken up.
    """

    network: SpiraConv
    best: Epoch
    epochs: tuple[Epoch, ...]
    n_epochs_before: int


def fit(
    plan: TrainingPlan,
    takes: Sequence[Take],
    validation: Examples,
    *,
    progress: Progress,
    on_epoch: Callable[[Epoch], None],
    kept: Kept = _NOT_KEPT,
) -> Fit:
    """Return the trained network; the same plan gives the same network on one machine.

    Taken up after an interruption it gives the same network, too.

    Args:
        plan: all settings.
        takes: what is learned from.
        validation: chooses the epoch.
        progress: told of every epoch.
        on_epoch: told of every epoch that is done now, not of those done before.
        kept: asked for a checkpoint at the beginning, given one after each epoch.
    """
    torch.manual_seed(plan.seed)
    torch.use_deterministic_algorithms(mode=True)
    # Nothing here reads memory before it is written; filling all of it would cost a sixth.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    course = _Course(plan, n_takes=len(takes))
    checkpoint = kept.last()
    if checkpoint is not None:
        course.take_up(checkpoint)
    n_epochs_before = len(course.epochs)
    judges = _middles(validation)
    while not is_over(course.epochs, n_epochs=plan.n_epochs, patience=plan.patience):
        course.one_pass(takes, judges)
        kept.keep(course.checkpoint())
        on_epoch(course.epochs[-1])
        progress("training, epoch", len(course.epochs), plan.n_epochs)
    course.network.load_state_dict(course.best)
    return Fit(
        network=course.network.eval(),
        best=best_of(course.epochs),
        epochs=tuple(course.epochs),
        n_epochs_before=n_epochs_before,
    )


class _Course:
    """A training on its way: whatever the next epoch depends on, and nothing else."""

    def __init__(self, plan: TrainingPlan, *, n_takes: int) -> None:
        self.network = SpiraConv(dropout=plan.dropout)
        self.epochs: list[Epoch] = []
        self.best: dict[str, Tensor] = {}
        self._batch = plan.batch
        self._order = np.random.default_rng([plan.seed, 0])
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay
        )
        # The rate rises and falls once over the whole run.
        self._rate = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer,
            max_lr=plan.learning_rate,
            total_steps=plan.n_epochs * -(-n_takes // plan.batch),
        )

    def take_up(self, checkpoint: Checkpoint) -> None:
        """Go on from there."""
        self.epochs = list(checkpoint.epochs)
        self.best = dict(checkpoint.best)
        self.network.load_state_dict(checkpoint.network)
        self._optimizer.load_state_dict(dict(checkpoint.optimizer))
        self._rate.load_state_dict(dict(checkpoint.rate))
        self._order.bit_generator.state = dict(checkpoint.order)
        torch.set_rng_state(checkpoint.dropout)

    def checkpoint(self) -> Checkpoint:
        """Return where it stands; its tensors are those of the network, not copies."""
        return Checkpoint(
            epochs=tuple(self.epochs),
            network=self.network.state_dict(),
            best=self.best,
            optimizer=self._optimizer.state_dict(),
            rate=self._rate.state_dict(),
            order=self._order.bit_generator.state,
            dropout=torch.get_rng_state(),
        )

    def one_pass(self, takes: Sequence[Take], judges: Examples) -> None:
        """Train on one random window of each recording, and judge."""
        self.network.train()
        losses: list[float] = []
        shuffled = self._order.permutation(len(takes))
        for start in range(0, len(takes), self._batch):
            chosen = [takes[i] for i in shuffled[start : start + self._batch]]
            windows = torch.stack([take.draw(self._order) for take in chosen])
            labels = torch.tensor([take.label for take in chosen])
            losses.append(self._step(windows, labels) * len(chosen))
        train_loss = sum(losses) / len(takes)
        self.epochs.append(_judged(len(self.epochs) + 1, train_loss, self.network, judges))
        if self.epochs[-1] == best_of(self.epochs):
            self.best = {name: value.clone() for name, value in self.network.state_dict().items()}

    def _step(self, windows: Tensor, labels: Tensor) -> float:
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
