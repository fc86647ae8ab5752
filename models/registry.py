"""MLflow: runs are logged, models registered under aliases, and pulled again.

Beside the traced network every logged model carries the files of its model directory, and only
those are read back: pulling unpickles nothing and runs nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import torch
from requests import RequestException
from sqlalchemy.exc import SQLAlchemyError

from appliance.core.errors import FileMissing, InvalidRequest, ModelFault, ModelSourceUnavailable
from appliance.core.manifest import Source
from models.fetching import fetch, require_answer, staging_of, without_credentials
from models.kinds.taking import EXTRA, take
from models.labelled.trained_on import TRAINED_ON
from models.mlflow_import import STORE_FAULTS, MlflowClient, MlflowException, mlflow
from models.model_directory import (
    GOLDEN,
    GOLDEN_INDEX,
    RECORD,
    SOURCE,
    STATEMENT,
    WEIGHTS,
    encode_json,
    read_file,
    read_record,
)
from models.model_uri import LOGGED_NAME, locate
from models.progress import Progress, silent
from models.run_log import epochs_logged, metrics_logged, parameters_logged, still_there
from models.spiraconv.network import N_FRAMES, N_MFCC
from models.spiraconv.parameters import read_parameters, sha256_of
from models.training.epoch import Epoch
from models.training.plan import TrainingPlan
from models.whole_file import refuse_used, write_whole_directory

EXPERIMENT: Final = "spira"
ALIAS: Final = "candidate"
"""What a newly registered version is called; stages do not exist any more in MLflow 3."""

_SQLITE: Final = "sqlite:///"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A version in the registry."""

    name: str
    version: str
    alias: str
    model_uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PulledModel:
    """A model directory that came from MLflow."""

    directory: Path
    source: Source


class TrackedRun:
    """One MLflow run that is being written."""

    def __init__(self, run_id: str) -> None:
        """Write to the active run of that id."""
        self.run_id = run_id

    def log_plan(
        self,
        plan: TrainingPlan,
        digests: Mapping[str, str],
        settings: Mapping[str, str | int | float],
    ) -> None:
        """Log all settings, and the digests of the data sets; the same again changes nothing."""
        mlflow.log_params(parameters_logged(plan, digests, settings))

    def log_missing(self, epochs: Sequence[Epoch]) -> None:
        """Log those of these epochs that are not there, as where a training was killed."""
        known = epochs_logged(self.run_id)
        for epoch in epochs:
            if epoch.number not in known:
                self.log_epoch(epoch)

    def log_epoch(self, epoch: Epoch) -> None:
        """Log the losses of an epoch."""
        values = {name: value for name, value in asdict(epoch).items() if name != "number"}
        mlflow.log_metrics(values, step=epoch.number)

    def log_directory(self, directory: Path) -> str:
        """Log test metrics and the model; return the model's URI."""
        record = read_record(directory)
        mlflow.log_metrics(dict(metrics_logged(record)))
        network = read_parameters(directory / WEIGHTS).build()
        # The traced form needs an example of two windows, to see that their number may vary.
        example = torch.zeros(2, N_FRAMES, N_MFCC).numpy()
        logged = mlflow.pytorch.log_model(
            network,
            name=LOGGED_NAME,
            input_example=example,
            serialization_format="pt2",
            extra_files=[str(path) for path in _files(directory)],
            pip_requirements=[f"{name}=={version}" for name, version in record.software.items()],
        )
        uri: str = logged.model_uri
        return uri


def default_tracking_uri(directory: Path) -> str:
    """Return the URI of a SQLite file in that directory."""
    return f"{_SQLITE}{directory.resolve() / 'mlflow.db'}"


def require_tracking(tracking_uri: str, artifacts: Path) -> None:
    """Make the experiment if it is not there; raises as `tracked_run`, before any work is done."""
    with _translated(tracking_uri):
        _experiment(tracking_uri, artifacts)


@contextmanager
def tracked_run(
    tracking_uri: str, artifacts: Path, run_id: str | None = None
) -> Iterator[TrackedRun]:
    """Give a run of the experiment; it is marked as failed if anything is raised inside.

    Args:
        tracking_uri: of MLflow: a SQLite file or a server.
        artifacts: where a new experiment keeps its files if the tracking store is a SQLite file.
        run_id: of the run to go on with, if it is there; otherwise a new one is begun.

    Raises:
        ModelSourceUnavailable: MLflow cannot be reached or refuses.
    """
    with _translated(tracking_uri):
        _experiment(tracking_uri, artifacts)
        with mlflow.start_run(run_id=still_there(run_id)) as run:
            yield TrackedRun(run.info.run_id)


def register(model_uri: str, *, name: str, tracking_uri: str, alias: str = ALIAS) -> Registered:
    """Make a logged model the next version of a registered one, and point the alias to it.

    Args:
        model_uri: `runs:/<run id>/model` or `models:/<model id>`.
        name: of the registered model; made if it is not there.
        tracking_uri: of MLflow.
        alias: moved to the new version.

    Raises:
        ModelSourceUnavailable: MLflow cannot be reached, or there is no such model.
    """
    with _translated(tracking_uri):
        _use(tracking_uri)
        version = str(mlflow.register_model(model_uri, name).version)
        MlflowClient(tracking_uri).set_registered_model_alias(name, alias, version)
    return Registered(
        name=name, version=version, alias=alias, model_uri=f"models:/{name}/{version}"
    )


def pull(
    model_uri: str,
    *,
    tracking_uri: str,
    target_directory: Path,
    trust_pickle: bool = False,
    progress: Progress = silent,
) -> PulledModel:
    """Fetch a model from MLflow and make a model directory of it, complete or not at all.

    A model of `spira models train` brings its own; any other is taken by its flavour (see
    `models.kinds`). What was fetched before a pull broke off is not fetched again.

    Args:
        model_uri: `models:/name@alias`, `models:/name/3`, `runs:/<run id>/model`; `runs:/<run id>`
            is its `model`; `models:/m-<id>` as `log_model` returns it.
        tracking_uri: of MLflow.
        target_directory: does not exist, or is empty.
        trust_pickle: load what runs the code of whoever logged it.
        progress: told of each step.

    Raises:
        ModelSourceUnavailable: MLflow cannot be reached, or there is no such model.
        ModelRefused, ParityBroken, InvalidRequest, BundleRefused, GraphRefused: it cannot be
            taken as it is; the sentence says what to change.
        TargetNotEmpty, TargetUnwritable, DiskFull.
    """
    refuse_used(target_directory)
    with _translated(tracking_uri):
        _use(tracking_uri)
        located = locate(model_uri, MlflowClient(tracking_uri))
        staging = staging_of(target_directory, f"{tracking_uri} {located.files_uri}")
        fetch(located.files_uri, staging, progress=progress)
    source = located.source
    try:
        found = _directory(staging, source, trust_pickle=trust_pickle, progress=progress)
        write_whole_directory(target_directory, found)
    except (ModelFault, InvalidRequest, FileMissing):
        shutil.rmtree(staging, ignore_errors=True)  # the same files would be refused again
        raise
    shutil.rmtree(staging, ignore_errors=True)
    return PulledModel(directory=target_directory, source=source)


def _directory(
    fetched: Path, source: Source, *, trust_pickle: bool, progress: Progress
) -> dict[str, bytes]:
    """Return the files of the model directory, by path."""
    extra = fetched / EXTRA
    if (extra / WEIGHTS).exists() or (extra / RECORD).exists():
        return {**_unpacked(extra), SOURCE: encode_json(source)}
    return take(fetched, source, trust_pickle=trust_pickle, progress=progress)


def _unpacked(extra: Path) -> dict[str, bytes]:
    """Return the files of the model directory, checked: weights and record belong together."""
    names = {path.name for path in extra.iterdir()} if extra.is_dir() else set()
    missing = sorted({WEIGHTS, RECORD} - names)
    if missing:
        raise ModelSourceUnavailable("The model lacks files.", files=tuple(missing))
    if sha256_of(read_parameters(extra / WEIGHTS)) != read_record(extra).weights_sha256:
        raise ModelSourceUnavailable("The model's weights are not those of its record.")
    return {_place(name): read_file(extra / name) for name in sorted(names)}


def _place(name: str) -> str:
    return f"{GOLDEN}/{name}" if name == GOLDEN_INDEX or name.endswith(".wav") else name


def _files(directory: Path) -> list[Path]:
    files = [directory / name for name in (WEIGHTS, RECORD, STATEMENT, TRAINED_ON)]
    return [*files, *sorted((directory / GOLDEN).iterdir())]


def _use(tracking_uri: str) -> None:
    """Point MLflow there; a SQLite file that is not there is never made by asking it.

    Raises:
        ModelSourceUnavailable: nobody answers there.
    """
    require_answer(tracking_uri)
    if tracking_uri.startswith(_SQLITE) and not Path(tracking_uri.removeprefix(_SQLITE)).is_file():
        raise ModelSourceUnavailable("There is no such tracking database.")
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_registry_uri(tracking_uri)


def _experiment(tracking_uri: str, artifacts: Path) -> None:
    require_answer(tracking_uri)
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_registry_uri(tracking_uri)
    local = tracking_uri.startswith(_SQLITE)
    if local:
        Path(tracking_uri.removeprefix(_SQLITE)).parent.mkdir(parents=True, exist_ok=True)
    if mlflow.get_experiment_by_name(EXPERIMENT) is None:
        location = artifacts.resolve().as_uri() if local else None
        mlflow.create_experiment(EXPERIMENT, artifact_location=location)
    mlflow.set_experiment(EXPERIMENT)


@contextmanager
def _translated(tracking_uri: str) -> Iterator[None]:
    try:
        yield
    except STORE_FAULTS as error:
        raise _store_unavailable(error) from None
    except (
        MlflowException,
        ConnectionError,
        RequestException,
        ImportError,
        SQLAlchemyError,
    ) as error:
        if isinstance(error.__context__, STORE_FAULTS):
            raise _store_unavailable(error.__context__) from None
        reason = without_credentials(str(error).split("\n", 1)[0])
        raise ModelSourceUnavailable(
            reason, tracking_uri=without_credentials(tracking_uri)
        ) from None  # the cause, too, would repeat the credentials


def _store_unavailable(error: Exception) -> ModelSourceUnavailable:
    """Say that a store did not answer or refused, without its address, which the error names."""
    return ModelSourceUnavailable(
        "The store that keeps the files does not answer, or refuses: check AWS_ACCESS_KEY_ID, "
        "AWS_SECRET_ACCESS_KEY and MLFLOW_S3_ENDPOINT_URL, or let the MLflow server hand the "
        "files out itself (mlflow server --artifacts-destination).",
        reason=type(error).__name__,
    )
