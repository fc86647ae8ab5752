"""When a training ends, and which of its epochs is kept."""

from __future__ import annotations

import pytest

from models.training.epoch import Epoch, best_of, is_over


def epochs(*losses: float) -> list[Epoch]:
    """Epochs with these validation losses."""
    return [
        Epoch(number=number, train_loss=1.0, validation_loss=loss, validation_accuracy=0.5)
        for number, loss in enumerate(losses, start=1)
    ]


def test_the_first_of_the_best_is_kept() -> None:
    """Equal losses do not move the choice."""
    assert best_of(epochs(0.7, 0.5, 0.6, 0.5)).number == 2


@pytest.mark.parametrize(
    ("losses", "patience", "over"),
    [
        ((), 0, False),
        ((), 2, False),
        ((0.5, 0.6, 0.7, 0.8), 0, False),
        ((0.5, 0.6, 0.7, 0.8, 0.9), 0, True),
        ((0.5, 0.6), 2, False),
        ((0.5, 0.6, 0.6), 2, True),
        ((0.5, 0.6, 0.4, 0.6), 2, False),
        ((0.5, 0.5, 0.5), 2, True),
        ((0.5, 0.4, 0.3, 0.2, 0.1), 2, True),
    ],
)
def test_it_ends_at_the_last_epoch_or_when_patience_does(
    losses: tuple[float, ...], patience: int, *, over: bool
) -> None:
    """Of five epochs at most; an equal loss is no better one."""
    assert is_over(epochs(*losses), n_epochs=5, patience=patience) is over
