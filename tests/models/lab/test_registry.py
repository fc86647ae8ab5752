"""Training, MLflow and back: one tiny run through the whole line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from appliance.core.errors import ModelSourceUnavailable, TargetNotEmpty
from models.labelled.trained_on import TRAINED_ON
from models.mlflow_import import MlflowClient
from models.model_directory import GOLDEN, RECORD, SOURCE, STATEMENT, WEIGHTS
from models.progress import silent
from models.registry import default_tracking_uri, pull, register
from models.spiraconv.parameters import parameters_of, sha256_of
from models.spiraconv.reference import Features
from models.training.examples import examples
from models.training.fit import fit
from models.training.synthetic import training_cuts
from models.training.takes import takes_of
from models.voices.cohort import Split, people
from tests.models.lab.runs import TINY, Run


def test_the_run_is_logged(run: Run) -> None:
    """Settings, digest of the data, every epoch, and how it went on the test people."""
    run_id = run.trained.source.run_id or ""
    logged = MlflowClient(run.uri).get_run(run_id).data
    history = MlflowClient(run.uri).get_metric_history(run_id, "validation_loss")
    assert logged.params["seed"] == str(TINY.seed)
    assert logged.params["digest_train"] == run.trained.record.digests["train"]
    assert [point.step for point in history] == [1, 2]
    assert logged.metrics["test_accuracy"] == run.trained.record.metric("accuracy").value


def test_the_model_is_registered_under_an_alias(run: Run) -> None:
    """As the candidate; stages are gone."""
    version = MlflowClient(run.uri, run.uri).get_model_version_by_alias(
        "spiraconv-demo", "candidate"
    )
    assert str(version.version) == "1"
    assert run.trained.source.model_uri == "models:/spiraconv-demo/1"


def test_the_same_plan_gives_the_same_weights(run: Run) -> None:
    """On the same machine, with the same number of threads, nothing else asked of chance."""
    torch.manual_seed(1)
    train_people, validation_people = (
        examples(
            people(split, 4, seed=TINY.seed), 4, Features(), step="", progress=silent, cuts=cuts
        )
        for split, cuts in ((Split.TRAIN, training_cuts(TINY)), (Split.VALIDATION, None))
    )
    again = fit(TINY, takes_of(train_people), validation_people, progress=silent, on_epoch=print)
    assert train_people.digest == run.trained.record.digests["train"]
    assert sha256_of(parameters_of(again.network)) == run.trained.record.weights_sha256
    assert again.epochs == run.trained.record.epochs


@pytest.mark.parametrize("uri", ["models:/spiraconv-demo@candidate", "models:/spiraconv-demo/1"])
def test_a_registered_model_is_pulled_whole(run: Run, tmp_path: Path, uri: str) -> None:
    """What was trained comes back, and is known by its version, not by the alias."""
    pulled = pull(uri, tracking_uri=run.uri, target_directory=tmp_path / "pulled")
    for name in (WEIGHTS, RECORD, STATEMENT, SOURCE, TRAINED_ON):
        assert (pulled.directory / name).read_bytes() == (run.trained.directory / name).read_bytes()
    golden = {f.name for f in (run.trained.directory / GOLDEN).iterdir()}
    assert {f.name for f in (pulled.directory / GOLDEN).iterdir()} == golden
    assert pulled.source.model_uri == "models:/spiraconv-demo/1"


def test_a_file_is_no_place_for_a_model(run: Run, tmp_path: Path) -> None:
    """What is there stays."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(TargetNotEmpty):
        pull("models:/spiraconv-demo/1", tracking_uri=run.uri, target_directory=tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_run_is_pulled_without_being_registered(run: Run, tmp_path: Path) -> None:
    """By the id of its run."""
    uri = f"runs:/{run.trained.source.run_id}/model"
    pulled = pull(uri, tracking_uri=run.uri, target_directory=tmp_path / "pulled")
    assert pulled.source.run_id == run.trained.source.run_id
    assert pulled.source.model_version is None


def test_registering_again_moves_the_alias(run: Run) -> None:
    """The next version takes over an alias of its own name."""
    uri = f"runs:/{run.trained.source.run_id}/model"
    versions = [
        register(uri, name="other", tracking_uri=run.uri, alias="field").version for _ in range(2)
    ]
    alias = MlflowClient(run.uri, run.uri).get_model_version_by_alias("other", "field")
    assert versions == ["1", "2"]
    assert str(alias.version) == "2"


@pytest.mark.parametrize(
    "uri",
    [
        "models:/spiraconv-demo@nobody",
        "models:/spiraconv-demo/99",
        "models:/unknown/1",
        "runs:/0123456789abcdef/model",
        "spiraconv-demo",
        "/etc/passwd",
    ],
)
def test_what_is_not_there_is_said_and_nothing_is_written(
    run: Run, tmp_path: Path, uri: str
) -> None:
    """A wrong name, alias, version, run or address."""
    with pytest.raises(ModelSourceUnavailable):
        pull(uri, tracking_uri=run.uri, target_directory=tmp_path / "pulled")
    assert not (tmp_path / "pulled").exists()


def test_a_tracking_database_is_not_made_by_asking_it(tmp_path: Path) -> None:
    """A mistyped path does not become an empty registry."""
    uri = default_tracking_uri(tmp_path)
    with pytest.raises(ModelSourceUnavailable):
        pull("models:/spiraconv-demo/1", tracking_uri=uri, target_directory=tmp_path / "pulled")
    with pytest.raises(ModelSourceUnavailable):
        register("runs:/0123/model", name="x", tracking_uri=uri)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_answer_is_said(tmp_path: Path) -> None:
    """Nothing listens on port 1; credentials in the address are not repeated."""
    with pytest.raises(ModelSourceUnavailable) as refusal:
        pull(
            "models:/spiraconv-demo/1",
            tracking_uri="http://somebody:secret@127.0.0.1:1",
            target_directory=tmp_path / "pulled",
        )
    assert "secret" not in f"{refusal.value} {refusal.value.details}"


def test_a_directory_in_use_is_not_written_to(run: Run, tmp_path: Path) -> None:
    """Files of two models never mix."""
    (tmp_path / "weights.npz").write_bytes(b"mine")
    with pytest.raises(TargetNotEmpty):
        pull("models:/spiraconv-demo/1", tracking_uri=run.uri, target_directory=tmp_path)
    assert (tmp_path / "weights.npz").read_bytes() == b"mine"


def test_files_in_a_store_that_needs_what_is_not_here(tmp_path: Path) -> None:
    """Said with the way round: a server hands files out whatever store they are in."""
    uri = default_tracking_uri(tmp_path)
    client = MlflowClient(uri)
    experiment = client.create_experiment("elsewhere", artifact_location="gs://bucket/files")
    run_id = client.create_run(experiment).info.run_id
    with pytest.raises(ModelSourceUnavailable, match=r"google.* is needed.*--artifacts-dest"):
        pull(f"runs:/{run_id}/model", tracking_uri=uri, target_directory=tmp_path / "pulled")
    assert not (tmp_path / "pulled").exists()
