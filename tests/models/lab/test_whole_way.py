"""Three models the whole way: logged, registered, pulled, packed, installed on a box, scoring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import mlflow
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from appliance.core.wav import write_wav
from models.acoustics.features import features
from models.spiraconv.parameters import read_parameters
from models.spiraconv.reference import Features, window_probabilities
from models.training.examples import waveform
from models.voices.cohort import ROLES, Split, people, person
from models.voices.speaker import Group
from tests.commands.console import Console, Said, make_box
from tests.commands.console import run as spira
from tests.models.lab.authors import LoudnessWithAnswers, signature
from tests.models.lab.runs import Run
from tests.models.lab.statements import METADATA, RATE_HZ, beside, statement

RHYME = ("parlenda",)
VOWEL_AND_RHYME = ("sustentada", "parlenda")


@dataclass(frozen=True)
class Registry:
    """A registry with its files in one directory, and a box that trusts its author."""

    directory: Path
    box: Console
    key: Path

    @property
    def uri(self) -> str:
        """The tracking URI."""
        return f"sqlite:///{self.directory / 'mlflow.db'}"

    def lab(self, *arguments: str) -> Said:
        """Run a command of the lab that must go well."""
        said = spira("models", *arguments)
        assert said.status == 0, said.stdout + said.stderr
        return said

    def to_the_box(self, model_uri: str, uri: str) -> str:
        """Pull, pack and install; return the model's name."""
        target = self.directory / "pulled"
        self.lab("pull", model_uri, str(target), "--tracking-uri", uri)
        self.lab("pack", str(target), "--key", str(self.key), "--out", str(self.directory))
        (bundle,) = self.directory.glob("*.spira")
        installed = self.box.json("models", "install", str(bundle), "--activate")
        return str(installed["version"]["model"])

    def register(self, model_uri: str, name: str) -> str:
        """Register a logged model; return its URI by alias."""
        said = self.lab("register", model_uri, "--name", name, "--tracking-uri", self.uri)
        assert f"{name} version 1 is candidate" in said.stdout
        return f"models:/{name}@candidate"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Console:
    """A box with a nurse."""
    return make_box(tmp_path_factory.mktemp("template"))


@pytest.fixture
def registry(template: Console, tmp_path: Path) -> Registry:
    """An empty registry, and a box that trusts a key made in the lab."""
    box = template.copy_to(tmp_path)
    key = tmp_path / "author.key"
    made = spira("models", "keygen", str(key), "--json").document["key"]
    trusted = ("--name", "group", "--fingerprint", made["fingerprint"])
    box.json("keys", "add", made["public"], *trusted)
    (tmp_path / "lab").mkdir()
    found = Registry(directory=tmp_path / "lab", box=box, key=key)
    mlflow.set_tracking_uri(found.uri)
    mlflow.create_experiment("group", artifact_location=(found.directory / "files").as_uri())
    mlflow.set_experiment("group")
    return found


def a_patient() -> dict[str, NDArray[np.int16]]:
    """Somebody the models never heard, with every recording."""
    everyone = (person(Split.TEST, index, seed=7) for index in range(0, 20, 2))
    return dict(next(p.recordings for p in everyone if len(p.recordings) == len(ROLES)))


def infer(
    box: Console, model: str, recordings: Mapping[str, NDArray[np.int16]], **form: object
) -> float:
    """Return the probability that the box finds, the model being the one that was asked."""
    wavs = {role: write_wav(pcm, RATE_HZ) for role, pcm in recordings.items()}
    said = box.json("infer", "--model", model, *box.form(**form), *box.recordings(**wavs))
    assert said["inference"]["status"] == "completed", said
    assert said["result"]["model_name"] == model
    return float(said["result"]["probability"])


def heard(recordings: Mapping[str, NDArray[np.int16]]) -> dict[str, NDArray[np.float32]]:
    """Return the recordings as the box gives them to a graph."""
    return {role: waveform(pcm) for role, pcm in recordings.items()}


def test_spiraconv(run: Run, registry: Registry) -> None:
    """A network on MFCC windows, trained, logged and registered by `spira models train`."""
    name = registry.to_the_box("models:/spiraconv-demo@candidate", run.uri)
    patient = a_patient()
    network = read_parameters(run.trained.directory / "weights.npz").build()
    windows = window_probabilities(network, Features(), heard(patient), roles=ROLES)
    assert infer(registry.box, name, patient) == pytest.approx(float(windows.mean()), abs=1e-5)


def test_a_light_model_on_pauses_and_perturbation(registry: Registry) -> None:
    """A scikit-learn pipeline; pauses, phonation time, F0, jitter, shimmer and HNR in the graph."""
    everyone = list(people(Split.TRAIN, 24, seed=1))
    rows = np.stack([features(heard(someone.recordings), RHYME) for someone in everyone])
    labels = [int(someone.group is Group.PATIENT) for someone in everyone]
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.1)).fit(rows, labels)
    told = statement(RHYME, name='"pauses"', golden_tolerance="1e-4")
    with mlflow.start_run():
        logged = mlflow.sklearn.log_model(
            classifier,
            name="model",
            serialization_format="skops",
            extra_files=beside(registry.directory / "beside", told, roles=RHYME),
            pip_requirements=["scikit-learn"],
        )
    name = registry.to_the_box(registry.register(logged.model_uri, "pauses"), registry.uri)
    patient = a_patient()
    expected = classifier.predict_proba(features(heard(patient), RHYME)[np.newaxis])[0, 1]
    assert infer(registry.box, name, patient) == pytest.approx(expected, abs=1e-4)


def test_a_model_that_is_told_age_sex_and_mask(registry: Registry) -> None:
    """A PyTorch module; answers reach it as the manifest encodes them."""
    told = statement(VOWEL_AND_RHYME, METADATA, name='"answers"')
    module = LoudnessWithAnswers().eval()
    inputs = {"sustentada": -1, "parlenda": -1, "metadata": 3}
    example = (torch.zeros(1, 800), torch.zeros(1, 900), torch.zeros(1, 3))
    with mlflow.start_run() as logging:
        mlflow.pytorch.log_model(
            module,
            name="model",
            serialization_format="pt2",
            input_example=example,
            signature=signature(inputs),
            extra_files=beside(registry.directory / "beside", told, form={"age": 70}),
            pip_requirements=["torch"],
        )
    uri = registry.register(f"runs:/{logging.info.run_id}/model", "answers")
    name = registry.to_the_box(uri, registry.uri)
    patient = a_patient()
    waves = [torch.from_numpy(heard(patient)[role])[None] for role in VOWEL_AND_RHYME]
    for form, answers in (
        ({"age": 30, "gender": "Feminino", "mask_type": "NONE"}, [30.0, 1.0, 0.0]),
        ({"age": 85, "gender": "Masculino", "mask_type": "THICK"}, [85.0, -1.0, 2.0]),
        ({"age": 85, "gender": "Outro", "mask_type": "THIN"}, [85.0, 0.0, 1.0]),
    ):
        with torch.inference_mode():
            expected = float(module(*waves, torch.tensor([answers]))[0])
        assert infer(registry.box, name, patient, **form) == pytest.approx(expected, abs=1e-6)
