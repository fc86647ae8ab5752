"""Where a model lies in MLflow: by alias, by version, by run, or by the id it was logged under."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from appliance.core.errors import ModelSourceUnavailable
from appliance.core.manifest import Source
from models.mlflow_import import MlflowClient

LOGGED_NAME: Final = "model"
"""What a model of a run is called where no name is given."""

_REGISTERED: Final = re.compile(
    r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>[0-9]+))"
)
_LOGGED: Final = re.compile(r"models:/(?P<id>m-[0-9a-f]+)")
_OF_RUN: Final = re.compile(r"runs:/(?P<run>[0-9a-f]+)(?:/(?P<name>.+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A model that never changes: its source as a bundle names it, and where its files are."""

    source: Source
    files_uri: str


def locate(model_uri: str, client: MlflowClient) -> Located:
    """Return where the model lies for good: an alias may move, a version does not.

    Raises:
        ModelSourceUnavailable: it is no address of a model.
        MlflowException: there is none of that address.
    """
    if registered := _REGISTERED.fullmatch(model_uri):
        return _registered(client, **registered.groupdict(default=""))
    if logged := _LOGGED.fullmatch(model_uri):
        run_id = client.get_logged_model(logged["id"]).source_run_id
        return _unregistered(model_uri, run_id, model_uri)
    if of_run := _OF_RUN.fullmatch(model_uri):
        run_id, name = of_run["run"], of_run["name"] or LOGGED_NAME
        return _unregistered(f"runs:/{run_id}/{name}", run_id, _of_run(client, run_id, name))
    raise ModelSourceUnavailable(
        f"{model_uri} is none of models:/name@alias, models:/name/3, runs:/id/model, models:/m-id."
    )


def _registered(client: MlflowClient, *, name: str, alias: str, version: str) -> Located:
    if alias:
        found = client.get_model_version_by_alias(name, alias)
    else:
        found = client.get_model_version(name, version)
    model_uri = f"models:/{name}/{found.version}"
    source = Source(
        model_uri=model_uri, run_id=found.run_id or None, model_version=str(found.version)
    )
    return Located(source=source, files_uri=model_uri)


def _unregistered(model_uri: str, run_id: str | None, files_uri: str) -> Located:
    source = Source(model_uri=model_uri, run_id=run_id or None, model_version=None)
    return Located(source=source, files_uri=files_uri)


def _of_run(client: MlflowClient, run_id: str, name: str) -> str:
    """Return where a run's model has its files: apart since MLflow 3, among the run's before."""
    run = client.get_run(run_id)
    for output in run.outputs.model_outputs if run.outputs else ():
        if client.get_logged_model(output.model_id).name == name:
            return f"models:/{output.model_id}"
    return f"{run.info.artifact_uri.rstrip('/')}/{name}"
