"""Three models the whole way: logged, registered, pulled, packed, installed on a box, scoring."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from models.mlflow_import import mlflow
from models.registry import default_tracking_uri
from models.spiraconv.parameters import read_parameters
from models.spiraconv.reference import Features, window_probabilities
from models.templates.__main__ import log_template, main
from models.templates.study import Someone, people_of, words
from models.voices.cohort import ROLES, Split
from tests.commands.console import Console, make_box
from tests.commands.console import run as spira
from tests.models.lab.runs import Run

AUTHORS = Path(__file__).parents[3] / "models" / "AUTHORS.md"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Console:
    """A box with a nurse."""
    return make_box(tmp_path_factory.mktemp("template"))


@dataclass(frozen=True)
class Way:
    """A directory of the lab, and a box."""

    lab: Path
    box: Console

    @property
    def uri(self) -> str:
        """The tracking URI."""
        return default_tracking_uri(self.lab)

    def to_the_box(self, model_uri: str, uri: str) -> str:
        """Pull, pack, trust and install by the commands; return the model's name."""
        target, key = self.lab / "pulled", self.lab / "author.key"
        made = spira("models", "keygen", str(key), "--json").document["key"]
        for arguments in (
            ("pull", model_uri, str(target), "--tracking-uri", uri),
            ("pack", str(target), "--key", str(key), "--out", str(self.lab)),
        ):
            said = spira("models", *arguments)
            assert said.status == 0, said.stdout + said.stderr
        trusted = ("--name", "group", "--fingerprint", made["fingerprint"])
        self.box.json("keys", "add", made["public"], *trusted)
        (bundle,) = self.lab.glob("*.spira")
        installed = self.box.json("models", "install", str(bundle), "--activate")
        return str(installed["version"]["model"])

    def infer(self, model: str, someone: Someone, form: Mapping[str, object]) -> float:
        """Return the probability that the box finds, the model being the one that was asked."""
        recordings = self.box.recordings(**someone.recordings)
        said = self.box.json("infer", "--model", model, *self.box.form(**form), *recordings)
        assert said["inference"]["status"] == "completed", said
        assert said["result"]["model_name"] == model
        return float(said["result"]["probability"])


@pytest.fixture
def way(template: Console, tmp_path: Path) -> Way:
    """An empty lab beside a box of one's own."""
    (tmp_path / "lab").mkdir()
    return Way(lab=tmp_path / "lab", box=template.copy_to(tmp_path))


@pytest.fixture(scope="module")
def patient() -> Someone:
    """Somebody no model heard, with every recording."""
    everyone = people_of(Split.TEST, 12)[4:]
    return next(one for one in everyone if len(one.recordings) == len(ROLES))


def test_spiraconv(run: Run, way: Way, patient: Someone) -> None:
    """A network on MFCC windows, trained, logged and registered by `spira models train`."""
    name = way.to_the_box("models:/spiraconv-demo@candidate", run.uri)
    network = read_parameters(run.trained.directory / "weights.npz").build()
    heard = {role: samples[0] for role, samples in patient.inputs(words(name)).items()}
    windows = window_probabilities(network, Features(), heard, roles=ROLES)
    found = way.infer(name, patient, patient.form)
    assert found == pytest.approx(float(windows.mean()), abs=1e-5)


def test_a_light_model_on_pauses_and_perturbation(way: Way, patient: Someone) -> None:
    """A scikit-learn pipeline; pauses, phonation time, F0, jitter, shimmer and HNR in the graph."""
    logged = log_template("sklearn", name="light", work=way.lab, tracking_uri=way.uri, n_people=8)
    registered = spira(
        *("models", "register", f"runs:/{logged.run_id}/model"),
        *("--name", "light", "--tracking-uri", way.uri),
    )
    assert registered.status == 0, registered.stdout + registered.stderr
    name = way.to_the_box("models:/light/1", way.uri)
    found = way.infer(name, patient, patient.form)
    assert found == pytest.approx(logged.score(patient), abs=1e-4)


def test_a_model_with_answers_by_the_commands_of_the_page_for_authors(
    way: Way, patient: Someone, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Age, sex and mask reach a PyTorch module; AUTHORS.md is followed line by line."""
    monkeypatch.chdir(way.lab)
    on_the_workstation, on_the_box = blocks()
    (_, _, _, *first), *others = on_the_workstation
    assert main([*first, "--people", "8"]) == 0
    uri = capsys.readouterr().out.strip()
    fingerprint = ""
    for _, *line in others:
        said = spira(*[uri if word == "URI" else word for word in line])
        assert said.status == 0, said.stdout + said.stderr
        fingerprint += "".join(re.findall(r"^  ([0-9a-f]{64})$", said.stdout, re.MULTILINE))
    for _, *line in on_the_box:
        said = way.box.run(*[fingerprint if word == "FINGERPRINT" else word for word in line])
        assert said.status == 0, said.stdout + said.stderr

    module, statement = mlflow.pytorch.load_model(uri), words("my-model")
    for form in (
        {"age": 30, "gender": "Feminino", "mask_type": "NONE"},
        {"age": 85, "gender": "Masculino", "mask_type": "THICK"},
        {"age": 85, "gender": "Outro", "mask_type": "THIN"},
    ):
        someone = Someone(recordings=patient.recordings, form=form, label=1)
        given = someone.inputs(statement)
        with torch.inference_mode():
            said_so = module(*(torch.from_numpy(given[name]) for name in statement.inputs))
        found = way.infer("my-model", patient, form)
        assert found == pytest.approx(float(said_so[0]), abs=1e-5)


def blocks() -> list[list[list[str]]]:
    """Return the commands of AUTHORS.md, block by block."""
    found = re.findall(r"```sh\n(.*?)```", AUTHORS.read_text(), re.DOTALL)
    return [[shlex.split(line) for line in block.splitlines()] for block in found]
