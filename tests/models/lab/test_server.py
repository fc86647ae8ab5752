"""A real MLflow server over HTTP: logged, registered, pulled by every name, and cut off."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.core.errors import ModelSourceUnavailable
from models.mlflow_import import MlflowClient, mlflow
from models.model_directory import GOLDEN, read_source
from models.registry import Registered, pull, register, tracked_run
from tests.commands.console import run as spira
from tests.models.lab.authors import Loudness, log_torch
from tests.models.lab.mlflow_server import Server
from tests.models.lab.runs import Run, files_of
from tests.models.lab.statements import beside, statement


@dataclass(frozen=True)
class Logged:
    """A model in a running server."""

    server: Server
    run_id: str
    model_uri: str
    registered: Registered


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for the tests of this file."""
    server = Server(tmp_path_factory.mktemp("server"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def logged(server: Server, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Logged:
    """The tiny SpiraConv, logged to the server and registered twice."""
    with tracked_run(server.uri, tmp_path_factory.mktemp("unused")) as tracked:
        model_uri = tracked.log_directory(run.trained.directory)
    register(model_uri, name="spiraconv", tracking_uri=server.uri, alias="before")
    registered = register(model_uri, name="spiraconv", tracking_uri=server.uri)
    return Logged(server=server, run_id=tracked.run_id, model_uri=model_uri, registered=registered)


@pytest.mark.parametrize(
    ("how", "source", "version"),
    [
        ("models:/spiraconv@candidate", "models:/spiraconv/2", "2"),
        ("models:/spiraconv@before", "models:/spiraconv/1", "1"),
        ("models:/spiraconv/2", "models:/spiraconv/2", "2"),
        ("runs:/{run}/model", "runs:/{run}/model", None),
        ("runs:/{run}", "runs:/{run}/model", None),
        ("{logged}", "{logged}", None),
    ],
)
def test_a_model_is_pulled_by_every_name_it_has(
    logged: Logged, run: Run, tmp_path: Path, how: str, source: str, version: str | None
) -> None:
    """By alias, version, run and the id it was logged under: the same files, byte for byte."""
    names = {"run": logged.run_id, "logged": logged.model_uri}
    pulled = pull(
        how.format(**names), tracking_uri=logged.server.uri, target_directory=tmp_path / "m"
    )
    assert files_of(pulled.directory) == files_of(run.trained.directory)
    assert read_source(pulled.directory) == pulled.source
    assert pulled.source.model_uri == source.format(**names)
    assert (pulled.source.run_id, pulled.source.model_version) == (logged.run_id, version)


def test_the_server_keeps_the_files_itself(logged: Logged) -> None:
    """What was pulled came by HTTP, not from a directory that both can see."""
    model_id = logged.model_uri.removeprefix("models:/")
    model = MlflowClient(logged.server.uri).get_logged_model(model_id)
    assert model.artifact_location.startswith("mlflow-artifacts:/")


def test_a_model_that_lies_among_the_files_of_its_run_is_pulled(
    server: Server, tmp_path: Path
) -> None:
    """As MLflow 1 and 2 kept them, and those who log by hand do; here from the command line."""
    directory = log_torch(tmp_path / "l", Loudness(), beside(tmp_path / "b", statement()))
    client = MlflowClient(server.uri)
    run_id = client.create_run(client.create_experiment("old")).info.run_id
    client.log_artifacts(run_id, str(directory), "network")
    target = tmp_path / "m"
    said = spira(
        *("models", "pull", f"runs:/{run_id}/network", str(target)), "--tracking-uri", server.uri
    )
    assert said.status == 0, said.stdout + said.stderr
    assert read_source(target).model_uri == f"runs:/{run_id}/network"
    assert (target / "model.onnx").is_file()


def test_a_pull_that_was_cut_off_goes_on(
    logged: Logged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server dies half-way: a sentence, no target; what is here is not fetched again."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    server, target = logged.server, tmp_path / "m"

    def die_after_five(step: str, done: int, total: int) -> None:
        assert step == "fetching"
        assert total > 5
        if done == 5:
            server.stop()

    with pytest.raises(ModelSourceUnavailable, match=r"5 of \d+ files are here: pull again") as cut:
        pull(
            "models:/spiraconv@candidate",
            tracking_uri=server.uri,
            target_directory=target,
            progress=die_after_five,
        )
    assert cut.value.retryable
    assert not target.exists()
    (staging,) = tmp_path.iterdir()
    here = {path: path.stat().st_mtime_ns for path in staging.rglob("*") if path.is_file()}
    assert len(here) == 5

    unreached(server.uri, tmp_path)
    server.start()

    def kept(step: str, done: int, total: int) -> None:
        del step
        if done == total:
            assert {path: path.stat().st_mtime_ns for path in here} == here

    pulled = pull(
        "models:/spiraconv@candidate",
        tracking_uri=server.uri,
        target_directory=target,
        progress=kept,
    )
    assert pulled.source.model_version == "2"
    assert (target / GOLDEN).is_dir()
    assert list(tmp_path.iterdir()) == [target]


def unreached(uri: str, tmp_path: Path) -> None:
    """See that every command says at once that nobody is there, without a password."""
    host = uri.removeprefix("http://")
    with_password = f"http://somebody:secret@{host}"
    began = time.monotonic()
    with pytest.raises(ModelSourceUnavailable, match=f"No MLflow server answers at {host}") as no:
        pull("models:/x/1", tracking_uri=with_password, target_directory=tmp_path / "none")
    assert "secret" not in f"{no.value} {no.value.details}"
    with pytest.raises(ModelSourceUnavailable, match="No MLflow server"):
        register("runs:/0123/model", name="x", tracking_uri=with_password)
    with (
        pytest.raises(ModelSourceUnavailable, match="No MLflow server"),
        tracked_run(with_password, tmp_path),
    ):
        mlflow.log_metric("never", 1.0)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "uri", ["models:/spiraconv@nobody", "models:/spiraconv/99", "runs:/0123456789abcdef/model"]
)
def test_what_the_server_does_not_hold_is_said(logged: Logged, tmp_path: Path, uri: str) -> None:
    """And nothing is left."""
    with pytest.raises(ModelSourceUnavailable):
        pull(uri, tracking_uri=logged.server.uri, target_directory=tmp_path / "m")
    with pytest.raises(ModelSourceUnavailable, match="No files are kept at"):
        pull(
            f"runs:/{logged.run_id}/other",
            tracking_uri=logged.server.uri,
            target_directory=tmp_path / "m",
        )
    assert list(tmp_path.iterdir()) == []
