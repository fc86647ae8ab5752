"""A training run of a handful of people, small enough for a test."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from models.model_directory import SOURCE
from models.train import TrainedModel
from models.training.plan import TrainingPlan

TINY = TrainingPlan(n_train=4, n_validation=4, n_test=4, n_epochs=2, n_threads=1)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Run:
    """A finished training and where it was logged."""

    trained: TrainedModel
    uri: str


def files_of(directory: Path) -> dict[str, bytes]:
    """Return the files of a model directory but its source."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and path.name != SOURCE
    }
