"""A training run of a handful of people, small enough for a test."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from models.train import TrainedModel
from models.training.plan import TrainingPlan

TINY = TrainingPlan(n_train=4, n_validation=4, n_test=4, n_epochs=2, n_threads=1)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Run:
    """A finished training and where it was logged."""

    trained: TrainedModel
    uri: str
