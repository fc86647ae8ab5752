"""A model of another kind, with answers of the form: evaluated, calibrated and packed like any."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from appliance.core.container import contents, read_container
from appliance.core.manifest import CARD_NAME, GRAPH_NAME
from appliance.core.manifest_json import parse_manifest
from models.demonstrating import KEY
from models.evaluation.evaluate import EvaluationPlan, evaluate
from models.evaluation.keeping import keep
from models.evaluation.opening import open_model
from models.evaluation.operating import Aim
from models.golden import waveform
from models.graph_run import GraphRun
from models.labelled.reading import read_labelled
from models.pack import pack
from models.progress import silent
from tests.models.lab.authors import directory_with_answers
from tests.models.lab.made_models import voice
from tests.models.labelled_builders import put_text, put_wav

N = 24


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory, as a pull leaves it: a PyTorch module that takes answers."""
    return directory_with_answers(tmp_path_factory.mktemp("author"))


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Patients are louder and older; nothing else tells them."""
    directory = tmp_path_factory.mktemp("people")
    rng = np.random.default_rng(1)
    for label, louder, older in (("positive", 1.6, 12), ("negative", 1.0, 0)):
        for number in range(N):
            own = directory / label / f"{label[0]}{number:02}"
            amplitude = 0.15 * louder * rng.lognormal(0, 0.2)
            pcm = voice(rng, amplitude=amplitude, noise=1e-3, seconds=3.0)
            put_wav(own / "sustentada.wav", pcm)
            age = int(np.clip(rng.normal(55, 10) + older, 20, 99))
            put_text(own / "form.json", json.dumps({"age": age, "gender": "Feminino"}))
    return directory


def test_it_goes_the_whole_way(model: Path, people: Path, tmp_path: Path) -> None:
    """Answers are heard in its figures, left out of its probes; the bundle repeats its golden."""
    opened = open_model(model, progress=silent)
    plan = EvaluationPlan(validation=0.5, aim=Aim(sensitivity=0.6, specificity=0.6), n_draws=200)

    found = evaluate(opened, read_labelled(people), plan)
    keep(found, opened, None)
    packed = pack(model, key_path=KEY, target_directory=tmp_path)

    container = memoryview(packed.path.read_bytes())
    files = {m.name: b"".join(contents(container, m)) for m in read_container(container)}
    manifest = parse_manifest(files["manifest.json"])
    assert found.point is not None
    assert manifest.operating_point is not None
    assert manifest.operating_point.rule == found.point.rule
    assert (manifest.t_low, manifest.t_high) == (found.point.t_low, found.point.t_high)
    assert manifest.metrics == found.metrics
    assert found.point.rule in files[CARD_NAME].decode()
    assert packed.warnings == found.warnings
    form = next(one for one in found.leaks.baselines if one.name == "form")
    assert form.columns == ("age",)
    assert form.area is not None
    assert not any(warning.startswith("Spurious") for warning in found.warnings)
    run = GraphRun(files[GRAPH_NAME], ["sustentada", "parlenda"], manifest.metadata)
    case = manifest.golden.cases[0]
    heard = {role: waveform(files[name]) for role, name in case.recordings.items()}
    again = run(heard, case.metadata).probability
    assert again == pytest.approx(case.probability, abs=manifest.golden.tolerance)
