"""How one pass over the training recordings ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """How one pass ended; losses are mean cross-entropies in nats.

    Those of validation are of people, by the middle window of each recording.
    """

    number: int
    train_loss: float
    validation_loss: float
    validation_accuracy: float


def best_of(epochs: Sequence[Epoch]) -> Epoch:
    """Return the epoch of the least validation loss, the first of equals."""
    return min(epochs, key=lambda epoch: epoch.validation_loss)


def is_over(epochs: Sequence[Epoch], *, n_epochs: int, patience: int) -> bool:
    """Return whether training ends: all are done, or the last `patience` brought nothing better.

    Args:
        epochs: those done.
        n_epochs: the most there may be.
        patience: 0 goes on to the end.
    """
    if not epochs or patience == 0:
        return len(epochs) >= n_epochs
    return len(epochs) >= n_epochs or len(epochs) - best_of(epochs).number >= patience
