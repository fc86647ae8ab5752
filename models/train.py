"""From voices to a registered model: heard, trained, judged, logged; taken up if it was ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import torch

from appliance.core.manifest import Source
from models.demonstrating import NAME
from models.golden import golden_people, write_golden
from models.labelled.trained_on import TRAINED_ON, encode_trained_on
from models.model_directory import RECORD, SOURCE, STATEMENT, WEIGHTS, TrainingRecord, encode_json
from models.progress import Progress, silent
from models.registry import (
    ALIAS,
    Registered,
    TrackedRun,
    default_tracking_uri,
    register,
    require_tracking,
    tracked_run,
)
from models.run_log import parameters_logged
from models.spiraconv.parameters import Parameters, encode_parameters, parameters_of, sha256_of
from models.training.begun import Begun, begun_training
from models.training.examples import probabilities
from models.training.fit import Fit, fit
from models.training.material import Material, Voices
from models.training.metrics import THRESHOLD_RULE, GreyZone, grey_zone, metrics
from models.training.plan import TrainingPlan
from models.training.synthetic import synthetic_voices
from models.whole_file import write_whole

MODEL_DIRECTORY: Final = "model"

_PACKAGES: Final = ("torch", "torchaudio", "numpy")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedModel:
    """What a training left behind.

    Attributes:
        directory: the model directory, ready to be packed.
        registered: None if it was not asked for.
        n_epochs_before: epochs of it that an earlier, interrupted run had done.
    """

    directory: Path
    record: TrainingRecord
    source: Source
    registered: Registered | None
    n_epochs_before: int


def train(
    work_directory: Path,
    *,
    voices: Voices | None = None,
    tracking_uri: str | None = None,
    name: str = NAME,
    alias: str | None = ALIAS,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    progress: Progress = silent,
    restart: bool = False,
) -> TrainedModel:
    """Train, log to MLflow, register; deterministic by the plan's seed, taken up if it was ended.

    Args:
        work_directory: receives `model/`, meanwhile `training/`, and by default `mlflow.db` and
            `artifacts/`.
        voices: to train on, with all settings; by default those of the demonstration model.
        tracking_uri: of MLflow; by default the SQLite file in `work_directory`.
        name: of the registered model.
        alias: given to the new version; None does not register.
        clock: gives aware UTC instants.
        progress: told of each step.
        restart: begin anew, whatever was begun there before.

    Raises:
        InvalidRequest: another training was begun in `work_directory`, or voices are no sound.
        FileMissing: a recording is gone.
        ModelSourceUnavailable: MLflow cannot be reached or refuses.
        TargetUnwritable, DiskFull.
    """
    voices = voices or synthetic_voices(TrainingPlan())
    uri = tracking_uri or default_tracking_uri(work_directory)
    torch.set_num_threads(voices.plan.n_threads)
    with begun_training(work_directory, _identity(voices), restart=restart) as begun:
        logged = _logged(voices, begun, work_directory, uri, clock=clock, progress=progress)
        registered = (
            register(logged.model_uri, name=name, tracking_uri=uri, alias=alias) if alias else None
        )
        source = _source(logged, registered)
        directory = work_directory / MODEL_DIRECTORY
        write_whole(directory / SOURCE, encode_json(source))
        begun.end()
    return TrainedModel(
        directory=directory,
        record=logged.record,
        source=source,
        registered=registered,
        n_epochs_before=logged.n_epochs_before,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Logged:
    record: TrainingRecord
    run_id: str
    model_uri: str
    n_epochs_before: int


def _logged(
    voices: Voices,
    begun: Begun,
    work_directory: Path,
    tracking_uri: str,
    *,
    clock: Callable[[], datetime],
    progress: Progress,
) -> _Logged:
    """Hear, train, write and log the model directory."""
    directory, artifacts = work_directory / MODEL_DIRECTORY, work_directory / "artifacts"
    require_tracking(tracking_uri, artifacts)
    started = time.monotonic()
    material = voices.hear(progress)
    digests = {**voices.digests, **material.digests}
    with tracked_run(tracking_uri, artifacts, begun.run_id) as run:
        begun.note(run.run_id)
        run.log_plan(voices.plan, digests, voices.settings)
        fitted = _fitted(voices.plan, material, run, begun, progress)
        record = _record(
            voices,
            material,
            fitted,
            digests=digests,
            trained_at=clock().replace(microsecond=0),
            training_s=round(time.monotonic() - started, 1),
        )
        _write(directory, voices, record, parameters_of(fitted.network))
        return _Logged(
            record=record,
            run_id=run.run_id,
            model_uri=run.log_directory(directory),
            n_epochs_before=fitted.n_epochs_before,
        )


def _source(logged: _Logged, registered: Registered | None) -> Source:
    return Source(
        model_uri=registered.model_uri if registered else logged.model_uri,
        run_id=logged.run_id,
        model_version=registered.version if registered else None,
    )


def _identity(voices: Voices) -> dict[str, object]:
    """Return all that decides what comes out of a training, as far as it is known unheard."""
    return {**parameters_logged(voices.plan, voices.digests, voices.settings), **_software()}


def _software() -> dict[str, str]:
    return {package: version(package).split("+")[0] for package in _PACKAGES}


def _fitted(
    plan: TrainingPlan, material: Material, run: TrackedRun, begun: Begun, progress: Progress
) -> Fit:
    """Train, or go on training."""
    checkpoint = begun.kept.last()
    if checkpoint is not None:
        run.log_missing(checkpoint.epochs)
        progress(f"taken up after epoch {len(checkpoint.epochs)}", 1, 1)
    return fit(
        plan,
        material.takes,
        material.validation,
        progress=progress,
        on_epoch=run.log_epoch,
        kept=begun.kept,
    )


def _write(directory: Path, voices: Voices, record: TrainingRecord, parameters: Parameters) -> None:
    """Write everything of the model directory but its source."""
    zone = GreyZone(t_low=record.t_low, t_high=record.t_high)
    people = golden_people(parameters, zone, seed=voices.plan.seed, roles=voices.roles)
    write_golden(directory, people, parameters)
    write_whole(directory / TRAINED_ON, encode_trained_on(voices.trained_on))
    write_whole(directory / STATEMENT, voices.statement)
    write_whole(directory / RECORD, encode_json(record))
    write_whole(directory / WEIGHTS, encode_parameters(parameters))


def _record(
    voices: Voices,
    material: Material,
    fitted: Fit,
    *,
    digests: Mapping[str, str],
    trained_at: datetime,
    training_s: float,
) -> TrainingRecord:
    zone: GreyZone = grey_zone(*probabilities(fitted.network, material.validation))
    found, labels = probabilities(fitted.network, material.test)
    return TrainingRecord(
        description=voices.description,
        trained_at=trained_at,
        training_s=training_s,
        plan=voices.plan,
        digests=digests,
        n_recordings=len(material.takes),
        best_epoch=fitted.best.number,
        epochs=fitted.epochs,
        t_low=zone.t_low,
        t_high=zone.t_high,
        threshold_rule=THRESHOLD_RULE,
        metrics=metrics(found, labels, zone, on=voices.judged_on),
        software=_software(),
        weights_sha256=sha256_of(parameters_of(fitted.network)),
    )
