"""What is told of a training that came to its end."""

from __future__ import annotations

from collections.abc import Iterator

from models.train import TrainedModel


def document_of(trained: TrainedModel) -> dict[str, object]:
    """Return what a program is told."""
    record, registered = trained.record, trained.registered
    return {
        "model": {
            "directory": str(trained.directory),
            "name": registered.name if registered else None,
            "version": registered.version if registered else None,
            "uri": trained.source.model_uri,
            "run_id": trained.source.run_id,
            "weights_sha256": record.weights_sha256,
            "best_epoch": record.best_epoch,
            "n_epochs": len(record.epochs),
            "n_epochs_before": trained.n_epochs_before,
            "t_low": record.t_low,
            "t_high": record.t_high,
            "accuracy": record.metric("accuracy").value,
            "metrics": {
                one.name: {"value": one.value, "low": one.low, "high": one.high, "n": one.n}
                for one in record.metrics
            },
        },
        "voices": {
            "description": record.description,
            "n_train": record.plan.n_train,
            "n_validation": record.plan.n_validation,
            "n_test": record.plan.n_test,
            "digests": dict(record.digests),
        },
    }


def lines_of(trained: TrainedModel, *, is_draft: bool) -> Iterator[str]:
    """Yield what a person is told; a draft of `bundle.toml` has yet to be written."""
    record, accuracy = trained.record, trained.record.metric("accuracy")
    if trained.n_epochs_before:
        yield f"Taken up after epoch {trained.n_epochs_before}."
    yield f"Epoch {record.best_epoch} of {len(record.epochs)} is kept; run {trained.source.run_id}."
    yield (
        f"Accuracy {accuracy.value:.3f} ({accuracy.low:.3f} to {accuracy.high:.3f}) on "
        f"{accuracy.n} {accuracy.on}, in {trained.directory}"
    )
    if is_draft:
        yield f"Next: say what is empty in {trained.directory / 'bundle.toml'}, then"
    yield f"{'' if is_draft else 'Next: '}spira models pack {trained.directory} --key KEY"
