"""Training on recordings of people: the same again for the same seed, also after Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.core.errors import InvalidRequest
from models.labelled.reading import read_labelled
from models.labelled.trained_on import not_trained_on, read_trained_on, recordings_of
from models.mlflow_import import MlflowClient
from models.model_directory import STATEMENT, WEIGHTS, read_record, read_statement
from models.progress import silent
from models.train import TrainedModel, train
from models.training.asked import Asked, voices_asked
from models.training.settings import DEFAULTS
from tests.models.lab.labelled_people import put_people
from tests.models.lab.runs import Run

ROOT = Path(__file__).parents[3]
N_EPOCHS = 6
TOLD = {"n_epochs": N_EPOCHS, "patience": 0}
OPTIONS = ("--epochs", str(N_EPOCHS), "--patience", "0")


@dataclass(frozen=True)
class Whole:
    """A training that was not interrupted, and where it was logged."""

    folder: Path
    uri: str
    trained: TrainedModel


@pytest.fixture(scope="module")
def whole(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Train once on a handful of people; the tracking database is one that is there."""
    directory = tmp_path_factory.mktemp("work")
    folder = put_people(directory / "people")
    _, voices = voices_asked(Asked(source=folder, told=TOLD))
    trained = train(directory, voices=voices, tracking_uri=run.uri, name="voices")
    return Whole(folder=folder, uri=run.uri, trained=trained)


def test_everything_that_decides_is_logged(whole: Whole) -> None:
    """Settings, seed, shares, changes of voices, digests of the data set, the parts, the split."""
    run_id = whole.trained.source.run_id or ""
    logged = MlflowClient(whole.uri).get_run(run_id).data
    record = whole.trained.record
    assert logged.params["seed"] == str(DEFAULTS.seed)
    assert logged.params["source"] == "a folder of labelled recordings"
    assert logged.params["roles"] == "sustentada parlenda frase (optional)"
    assert logged.params["validation_share"] == logged.params["test_share"] == "0.2"
    assert logged.params["augmentation_share"] == str(DEFAULTS.augmentation.share)
    assert record.digests.keys() == {"dataset", "split", "train", "validation", "test"}
    for name, digest in record.digests.items():
        assert logged.params[f"digest_{name}"] == digest
    history = MlflowClient(whole.uri).get_metric_history(run_id, "validation_loss")
    assert [point.step for point in history] == list(range(1, N_EPOCHS + 1))
    assert logged.metrics["best_epoch"] == record.best_epoch
    for metric in record.metrics:
        assert logged.metrics[f"test_{metric.name}"] == metric.value


def test_people_are_counted_not_sessions(whole: Whole) -> None:
    """Ten patients, twelve sessions: trained on by all, judged by one each."""
    record = whole.trained.record
    assert (record.plan.n_train, record.plan.n_validation, record.plan.n_test) == (6, 2, 2)
    assert record.metric("accuracy").n == 2
    assert "10 patients, 5 of them positive" in record.description
    assert read_record(whole.trained.directory) == record


def test_who_was_trained_on_is_known_to_an_evaluation(whole: Whole) -> None:
    """By the digests of their recordings: of ten patients two are left to judge the model."""
    digests = read_trained_on(whole.trained.directory)
    assert digests is not None
    left = not_trained_on(read_labelled(whole.folder), digests)
    assert left.n_trained_on == 8
    assert {case.positive for case in left.cases} == {True, False}
    assert not digests & set(recordings_of(left.cases))


def test_the_draft_of_a_statement_is_refused_until_it_is_said(whole: Whole, tmp_path: Path) -> None:
    """What is empty is named; what the training knew is there."""
    draft = whole.trained.directory / STATEMENT
    with pytest.raises(InvalidRequest, match="draft") as refusal:
        read_statement(draft)
    named = [fault.field for fault in refusal.value.errors]
    assert named == [f"{STATEMENT}, {text}" for text in ("licence", "intended_use", "limits")]
    said = tmp_path / STATEMENT
    said.write_text(draft.read_text().replace('""', '"said"'))
    heard = {(entry.role, entry.required) for entry in read_statement(said).roles}
    assert heard == {("sustentada", True), ("parlenda", True), ("frase", False)}


def interrupted(folder: Path, uri: str, work: Path) -> subprocess.CompletedProcess[str]:
    """Run the real command, and press Ctrl-C after its second epoch."""
    command = (sys.executable, "cli.py", "models", "train", str(folder), *OPTIONS)
    process = subprocess.Popen(
        (*command, "--work", str(work), "--tracking-uri", uri, "--json", "--name", "voices"),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    told = []
    for line in process.stderr:
        told.append(line)
        if line.startswith("training, epoch 2/"):
            process.send_signal(signal.SIGINT)
            break
    stdout, stderr = process.communicate(timeout=60)
    return subprocess.CompletedProcess(
        command, process.returncode, stdout, "".join([*told, stderr])
    )


def test_after_ctrl_c_it_comes_to_the_same(whole: Whole, tmp_path: Path) -> None:
    """A real process and a real signal: same weights, losses and metrics, and one run in MLflow."""
    stopped = interrupted(whole.folder, whole.uri, tmp_path)
    assert (stopped.returncode, json.loads(stopped.stdout)["error"]["code"]) == (130, "stopped")
    assert not (tmp_path / "model").exists()
    begun = json.loads((tmp_path / "training" / "begun.json").read_bytes())

    _, voices = voices_asked(Asked(source=whole.folder, told=TOLD))
    again = train(tmp_path, voices=voices, tracking_uri=whole.uri, name="voices")

    first = whole.trained
    assert 2 <= again.n_epochs_before < N_EPOCHS
    assert again.record.epochs == first.record.epochs
    assert again.record.weights_sha256 == first.record.weights_sha256
    assert again.record.metrics == first.record.metrics
    assert again.record.digests == first.record.digests
    weights = [(one.directory / WEIGHTS).read_bytes() for one in (again, first)]
    assert weights[0] == weights[1]
    assert again.source.run_id == begun["run_id"]
    client = MlflowClient(whole.uri)
    history = client.get_metric_history(begun["run_id"], "validation_loss")
    assert sorted(point.step for point in history) == list(range(1, N_EPOCHS + 1))
    assert client.get_run(begun["run_id"]).info.status == "FINISHED"
    assert not (tmp_path / "training").exists()


def test_another_seed_does_not_take_it_up(whole: Whole, tmp_path: Path) -> None:
    """What was begun is kept for whoever asks for the same."""

    def stop(step: str, done: int, total: int) -> None:
        del done, total
        if step.startswith("training"):
            raise KeyboardInterrupt

    _, voices = voices_asked(Asked(source=whole.folder, told=TOLD))
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, voices=voices, tracking_uri=whole.uri, progress=stop)
    _, other = voices_asked(Asked(source=whole.folder, told={**TOLD, "seed": 6}))
    with pytest.raises(InvalidRequest, match="--restart") as refusal:
        train(tmp_path, voices=other, tracking_uri=whole.uri, progress=silent)
    assert "seed" in {fault.field for fault in refusal.value.errors}
    assert (tmp_path / "training" / "checkpoint").is_file()


def test_what_was_heard_is_what_was_read(whole: Whole) -> None:
    """The data set's digest is of the files, labels and patients alone, wherever they lie."""
    _, voices = voices_asked(Asked(source=whole.folder, told=TOLD))
    assert voices.digests == whole.trained.record.digests
    assert len(read_labelled(whole.folder).cases) == 12
