"""`python -m models.train`: from nothing to a registered model, on synthetic voices."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np
import torch

from appliance.core.errors import ApplianceError
from appliance.core.manifest import Source
from models.demonstrating import DEMONSTRATION, KEY, NAME
from models.golden import golden_people, write_golden
from models.model_directory import (
    RECORD,
    SOURCE,
    STATEMENT,
    WEIGHTS,
    TrainingRecord,
    encode_json,
    read_file,
)
from models.pack import PackedBundle, pack
from models.parity import ODD_TOLERANCE, SPEECH_TOLERANCE
from models.progress import Progress, on_stderr, silent
from models.registry import (
    ALIAS,
    Registered,
    TrackedRun,
    default_tracking_uri,
    register,
    tracked_run,
)
from models.spiraconv.parameters import encode_parameters, parameters_of, sha256_of
from models.spiraconv.reference import Features
from models.training.examples import Examples, examples, probabilities
from models.training.fit import Fit, fit
from models.training.metrics import THRESHOLD_RULE, GreyZone, grey_zone, metrics
from models.training.plan import TrainingPlan
from models.training.takes import takes_of
from models.voices.cohort import Split, people
from models.whole_file import write_whole

STATED_ACCURACY: Final = 0.90
"""What every training of the demonstration model must reach on its synthetic test people."""

MODEL_DIRECTORY: Final = "model"

_DESCRIPTION: Final = (
    "Synthetic voices from a seeded source-filter generator (glottal pulses with jitter and "
    "aspiration, formants, fricatives, phrases, pauses, breathing, room noise), half of them "
    "called patients by construction. No recording of a person was used."
)
_PACKAGES: Final = ("torch", "torchaudio", "numpy")
_TEST: Final = "synthetic test people"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedModel:
    """What a training left behind.

    Attributes:
        directory: the model directory, ready to be packed.
        registered: None if it was not asked for.
    """

    directory: Path
    record: TrainingRecord
    source: Source
    registered: Registered | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Splits:
    train: Examples
    validation: Examples
    test: Examples

    @property
    def digests(self) -> dict[str, str]:
        return {
            "train": self.train.digest,
            "validation": self.validation.digest,
            "test": self.test.digest,
        }


def train(
    work_directory: Path,
    *,
    plan: TrainingPlan | None = None,
    tracking_uri: str | None = None,
    name: str = NAME,
    alias: str | None = ALIAS,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    progress: Progress = silent,
) -> TrainedModel:
    """Train on synthetic voices, log to MLflow, register; deterministic by the plan's seed.

    Args:
        work_directory: receives `model/`, and by default `mlflow.db` and `artifacts/`.
        plan: all settings.
        tracking_uri: of MLflow; by default the SQLite file in `work_directory`.
        name: of the registered model.
        alias: given to the new version; None does not register.
        clock: gives aware UTC instants.
        progress: told of each step.

    Raises:
        ModelSourceUnavailable: MLflow cannot be reached or refuses.
        TargetUnwritable, DiskFull.
    """
    plan = plan or TrainingPlan()
    uri = tracking_uri or default_tracking_uri(work_directory)
    directory = work_directory / MODEL_DIRECTORY
    torch.set_num_threads(plan.n_threads)
    with tracked_run(uri, work_directory / "artifacts") as run:
        record = _trained(plan, directory, run, clock, progress)
        model_uri = run.log_directory(directory)
    registered = register(model_uri, name=name, tracking_uri=uri, alias=alias) if alias else None
    source = Source(
        model_uri=registered.model_uri if registered else model_uri,
        run_id=run.run_id,
        model_version=registered.version if registered else None,
    )
    write_whole(directory / SOURCE, encode_json(source))
    return TrainedModel(directory=directory, record=record, source=source, registered=registered)


def _trained(
    plan: TrainingPlan,
    directory: Path,
    run: TrackedRun,
    clock: Callable[[], datetime],
    progress: Progress,
) -> TrainingRecord:
    """Train, and write everything of the model directory but its source."""
    started = time.monotonic()
    splits = _splits(plan, progress)
    run.log_plan(plan, splits.digests)
    takes = takes_of(splits.train)
    fitted = fit(plan, takes, splits.validation, progress=progress, on_epoch=run.log_epoch)
    parameters = parameters_of(fitted.network)
    record = _record(
        plan,
        splits,
        fitted,
        weights_sha256=sha256_of(parameters),
        trained_at=clock().replace(microsecond=0),
        training_s=round(time.monotonic() - started, 1),
    )
    zone = GreyZone(t_low=record.t_low, t_high=record.t_high)
    write_golden(directory, golden_people(parameters, zone, seed=plan.seed), parameters)
    write_whole(directory / STATEMENT, read_file(DEMONSTRATION / STATEMENT))
    write_whole(directory / RECORD, encode_json(record))
    write_whole(directory / WEIGHTS, encode_parameters(parameters))
    return record


def training_cuts(plan: TrainingPlan) -> np.random.Generator:
    """Return what decides where training recordings are cut."""
    return np.random.default_rng([plan.seed, 1])


def _splits(plan: TrainingPlan, progress: Progress) -> _Splits:
    features = Features()

    def of(split: Split, n_people: int, cuts: np.random.Generator | None = None) -> Examples:
        return examples(
            people(split, n_people, seed=plan.seed),
            n_people,
            features,
            step=f"voices, {split.name.lower()}",
            progress=progress,
            cuts=cuts,
        )

    return _Splits(
        train=of(Split.TRAIN, plan.n_train, training_cuts(plan)),
        validation=of(Split.VALIDATION, plan.n_validation),
        test=of(Split.TEST, plan.n_test),
    )


def _record(
    plan: TrainingPlan,
    splits: _Splits,
    fitted: Fit,
    *,
    weights_sha256: str,
    trained_at: datetime,
    training_s: float,
) -> TrainingRecord:
    zone: GreyZone = grey_zone(*probabilities(fitted.network, splits.validation))
    found, labels = probabilities(fitted.network, splits.test)
    return TrainingRecord(
        description=_DESCRIPTION,
        trained_at=trained_at,
        training_s=training_s,
        plan=plan,
        digests=splits.digests,
        n_recordings=splits.train.n_recordings,
        best_epoch=fitted.best.number,
        epochs=fitted.epochs,
        t_low=zone.t_low,
        t_high=zone.t_high,
        threshold_rule=THRESHOLD_RULE,
        metrics=metrics(found, labels, zone, on=_TEST),
        software={package: version(package).split("+")[0] for package in _PACKAGES},
        weights_sha256=weights_sha256,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FullCheck:
    """A training from nothing, and the bundle packed from it."""

    trained: TrainedModel
    packed: PackedBundle

    @property
    def holds(self) -> bool:
        """Whether the accuracy is what is stated; parity was proved, or there were no bundle."""
        return self.trained.record.metric("accuracy").value >= STATED_ACCURACY

    def __str__(self) -> str:
        """Say what was found, on one line."""
        accuracy, parity = self.trained.record.metric("accuracy"), self.packed.parity
        return (
            f"accuracy {accuracy.value:.3f} ({accuracy.low:.3f} to {accuracy.high:.3f}), "
            f"stated {STATED_ACCURACY:.2f}; trained in {self.trained.record.training_s:.0f} s; "
            f"parity {parity.worst(SPEECH_TOLERANCE):.1e} on speech, "
            f"{parity.worst(ODD_TOLERANCE):.1e} on odd input; bundle {self.packed.n_bytes} bytes"
        )


def full_check(work_directory: Path, *, progress: Progress) -> FullCheck:
    """Train the demonstration model anew, and pack it.

    Raises:
        ParityBroken, GoldenMismatch: the graph does not say what PyTorch says.
    """
    trained = train(work_directory, progress=progress)
    packed = pack(
        trained.directory, key_path=KEY, target_directory=work_directory, progress=progress
    )
    return FullCheck(trained=trained, packed=packed)


def main(arguments: list[str]) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m models.train", description=__doc__)
    parser.add_argument("--out", type=Path, help="working directory; a temporary one by default")
    parser.add_argument(
        "--full-check", action="store_true", help="pack, too, and fail below the stated accuracy"
    )
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="spira-train-") as scratch:
        work_directory = chosen.out or Path(scratch)
        try:
            if chosen.full_check:
                check = full_check(work_directory, progress=on_stderr)
                sys.stdout.write(f"{check}\n")
                return 0 if check.holds else 1
            trained = train(work_directory, progress=on_stderr)
            sys.stdout.write(f"{trained.source.model_uri} {trained.directory}\n")
        except ApplianceError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        except KeyboardInterrupt:
            sys.stderr.write("stopped\n")
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
