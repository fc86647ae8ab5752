"""MLflow: runs are logged, models registered under aliases, and pulled again.

Beside the traced network every logged model carries the files of its model directory, and only
those are read back: pulling unpickles nothing and runs nothing.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import torch

from appliance.core.errors import ModelSourceUnavailable
from appliance.core.manifest import Source
from models.labelled.trained_on import TRAINED_ON
from models.mlflow_import import MlflowClient, MlflowException, mlflow
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
from models.run_log import epochs_logged, metrics_logged, parameters_logged, still_there
from models.spiraconv.network import N_FRAMES, N_MFCC
from models.spiraconv.parameters import read_parameters, sha256_of
from models.training.epoch import Epoch
from models.training.plan import TrainingPlan
from models.whole_file import refuse_used, write_whole_directory

EXPERIMENT: Final = "spira"
ALIAS: Final = "candidate"
"""What a newly registered version is called; stages do not exist any more in MLflow 3."""

_MODEL: Final = "model"
_EXTRA: Final = "extra_files"
_SQLITE: Final = "sqlite:///"
_REGISTERED: Final = re.compile(
    r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>[0-9]+))"
)


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
            name=_MODEL,
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


def pull(model_uri: str, *, tracking_uri: str, target_directory: Path) -> PulledModel:
    """Fetch a model directory from MLflow, complete or not at all.

    Args:
        model_uri: `models:/name@alias`, `models:/name/3` or `runs:/<run id>/model`.
        tracking_uri: of MLflow.
        target_directory: does not exist, or is empty.

    Raises:
        ModelSourceUnavailable: MLflow cannot be reached, there is no such model, or it was not
            logged by `spira models train` and lacks what is needed.
        TargetNotEmpty, TargetUnwritable, DiskFull.
    """
    refuse_used(target_directory)
    with tempfile.TemporaryDirectory() as scratch, _translated(tracking_uri):
        _use(tracking_uri)
        source = _resolve(model_uri, MlflowClient(tracking_uri))
        fetched = mlflow.artifacts.download_artifacts(
            artifact_uri=source.model_uri, dst_path=scratch
        )
        found = _unpacked(Path(fetched) / _EXTRA)
    found[SOURCE] = encode_json(source)
    write_whole_directory(target_directory, found)
    return PulledModel(directory=target_directory, source=source)


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


def _resolve(model_uri: str, client: MlflowClient) -> Source:
    """Return where the model lies for good: an alias may move, a version does not."""
    registered = _REGISTERED.fullmatch(model_uri)
    if registered is None:
        return _unregistered(model_uri)
    name, alias = registered["name"], registered["alias"]
    if alias:
        version = client.get_model_version_by_alias(name, alias)
    else:
        version = client.get_model_version(name, registered["version"])
    return Source(
        model_uri=f"models:/{name}/{version.version}",
        run_id=version.run_id or None,
        model_version=str(version.version),
    )


def _unregistered(model_uri: str) -> Source:
    run = re.fullmatch(r"runs:/(?P<run>[0-9a-f]+)/.+", model_uri)
    if run is None:
        raise ModelSourceUnavailable(
            f"{model_uri} is neither models:/name@alias, models:/name/3 nor runs:/id/model."
        )
    return Source(model_uri=model_uri, run_id=run["run"], model_version=None)


def _use(tracking_uri: str) -> None:
    """Point MLflow there; a SQLite file that is not there is never made by asking it."""
    if tracking_uri.startswith(_SQLITE) and not Path(tracking_uri.removeprefix(_SQLITE)).is_file():
        raise ModelSourceUnavailable("There is no such tracking database.")
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_registry_uri(tracking_uri)


def _experiment(tracking_uri: str, artifacts: Path) -> None:
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
    except (MlflowException, ConnectionError) as error:
        reason = _without_credentials(str(error).split("\n", 1)[0])
        raise ModelSourceUnavailable(
            reason, tracking_uri=_without_credentials(tracking_uri)
        ) from None  # the cause, too, would repeat the credentials


def _without_credentials(text: str) -> str:
    return re.sub(r"//[^/@\s]*@", "//", text)
