"""What a run in MLflow is told of a training, and what it is asked when one is taken up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict

from models.mlflow_import import MlflowClient, MlflowException
from models.model_directory import TrainingRecord
from models.training.plan import TrainingPlan

_NOT_THERE = "RESOURCE_DOES_NOT_EXIST"


def parameters_logged(
    plan: TrainingPlan, digests: Mapping[str, str], settings: Mapping[str, str | int | float]
) -> dict[str, object]:
    """Return the parameters of a run, by name: all that decides what comes out."""
    plain = asdict(plan)
    changes = {f"augmentation_{name}": value for name, value in plain.pop("augmentation").items()}
    found = {f"digest_{name}": digest for name, digest in digests.items()}
    return {**plain, **changes, **settings, **found}


def metrics_logged(record: TrainingRecord) -> Iterator[tuple[str, float]]:
    """Yield what the test part says of a model, with intervals, and where its grey zone lies."""
    yield "best_epoch", record.best_epoch
    yield "t_low", record.t_low
    yield "t_high", record.t_high
    for metric in record.metrics:
        yield f"test_{metric.name}", metric.value
        if metric.low is not None and metric.high is not None:
            yield f"test_{metric.name}_low", metric.low
            yield f"test_{metric.name}_high", metric.high


def epochs_logged(run_id: str) -> frozenset[int]:
    """Return the numbers of the epochs that are in a run already."""
    history = MlflowClient().get_metric_history(run_id, "validation_loss")
    return frozenset(point.step for point in history)


def still_there(run_id: str | None) -> str | None:
    """Return the id of a run that is in the tracking store, and not deleted; None otherwise."""
    if run_id is None:
        return None
    try:
        run = MlflowClient().get_run(run_id)
    except MlflowException as error:
        if error.error_code == _NOT_THERE:
            return None
        raise
    return run_id if run.info.lifecycle_stage == "active" else None
