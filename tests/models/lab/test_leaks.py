"""A model that lives on the room or on the length is called spurious; one that hears is not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from models.evaluation.evaluate import EvaluationPlan, evaluate
from models.evaluation.findings import Evaluation, Verdict
from models.labelled.reading import read_labelled
from tests.models.lab.made_models import (
    MASK,
    asks_for_the_mask,
    hears_the_length,
    hears_the_room,
    hears_the_voice,
    opened,
    put_people,
)
from tests.models.labelled_builders import put_text

N = 24
PLAN = EvaluationPlan(n_draws=400)


@pytest.fixture(scope="module")
def fair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Patients speak louder, and nothing else tells them."""
    return put_people(tmp_path_factory.mktemp("fair"), N, louder=1.8)


@pytest.fixture(scope="module")
def unfair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Patients lie in louder rooms and are recorded for longer; their voices are like any."""
    return put_people(tmp_path_factory.mktemp("unfair"), N, noisier=2.0, longer=1.6)


def found(graph: bytes, people: Path) -> Evaluation:
    """Return the evaluation of a graph."""
    return evaluate(opened(graph), read_labelled(people), PLAN)


def spurious(evaluation: Evaluation) -> set[str]:
    """Return the probes on which the model is called so."""
    return {one.name for one in evaluation.leaks.probes if one.verdict is Verdict.SPURIOUS}


def test_an_honest_model_is_not_called_spurious(fair: Path) -> None:
    """It tells patients by their voice: well, and by nothing where there is no voice."""
    evaluation = found(hears_the_voice(), fair)

    area = next(metric for metric in evaluation.metrics if metric.name == "auc")
    assert area.low is not None
    assert area.low > 0.8
    assert spurious(evaluation) == set()
    assert all(one.area is not None for one in evaluation.leaks.probes)
    assert not any("purious" in warning for warning in evaluation.warnings)
    gain = next(one.gain for one in evaluation.leaks.baselines if one.name == "duration")
    assert gain is not None
    assert gain.low > 0


def test_a_model_that_hears_the_room_is_called_spurious(unfair: Path) -> None:
    """By the sound of the room, by the pauses, and by what ward noise does to it."""
    evaluation = found(hears_the_room(), unfair)

    area = next(metric for metric in evaluation.metrics if metric.name == "auc")
    assert area.value > 0.9
    assert spurious(evaluation) == {"room", "pauses"}
    said = [warning for warning in evaluation.warnings if warning.startswith("Spurious")]
    assert "sound of the room alone" in said[0]
    assert "95 % interval" in said[0]
    at_10_db = next(one for one in evaluation.leaks.flips if one.snr_db == 10)
    assert at_10_db.is_fragile
    assert at_10_db.n_to_positive > N / 2
    assert "rooms of other patients" in evaluation.leaks.ward_noise


def test_a_model_that_hears_the_length_is_called_spurious(unfair: Path) -> None:
    """By made noise of the same length; the data are said to be confounded, too."""
    evaluation = found(hears_the_length(), unfair)

    assert spurious(evaluation) == {"length"}
    assert [(one.n, one.n_flips) for one in evaluation.leaks.flips] == [(2 * N, 0)] * 3
    baseline = next(one for one in evaluation.leaks.baselines if one.name == "duration")
    assert baseline.area is not None
    assert baseline.area.low > 0.5
    assert any(warning.startswith("Confounded data") for warning in evaluation.warnings)
    assert any("lengths alone" in warning for warning in evaluation.warnings)


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three patients of four wear a mask, one other of four; age and sex are anybody's."""
    people = put_people(tmp_path_factory.mktemp("masked"), N, louder=1.8)
    rng = np.random.default_rng(3)
    for number, own in enumerate(sorted(people.glob("*/*"))):
        wears = (number % 4 != 0) is (own.parent.name == "positive")
        answers = {
            "age": int(rng.integers(40, 80)),
            "gender": str(rng.choice(("Feminino", "Masculino"))),
            "mask_type": "THIN" if wears else "NONE",
        }
        put_text(own / "form.json", json.dumps(answers))
    return people


def test_a_model_that_lives_on_the_mask_is_told_of(masked: Path) -> None:
    """It is no better than the form alone, nor than itself on noise: it goes by the form."""
    model = opened(asks_for_the_mask(), answers=(MASK,))

    evaluation = evaluate(model, read_labelled(masked), PLAN)

    baselines = {one.name: one for one in evaluation.leaks.baselines}
    assert baselines["form"].columns == ("gender", "age", "mask_type")
    itself = baselines["model_on_form"]
    assert itself.columns == ("mask_type",)
    assert itself.area is not None
    assert itself.area.low > 0.5
    assert itself.gain is not None
    assert (itself.gain.low, itself.gain.high) == (0.0, 0.0)
    said = [warning.split(":", 1)[0] for warning in evaluation.warnings]
    assert "Goes by the form" in said
    assert "Not shown to be better than the form alone" in said
    assert any(told.startswith("Not shown to be better than itself") for told in said)
    names = {metric.name for metric in evaluation.metrics}
    assert {"model_on_form_only_auc", "gain_over_model_on_form_only"} <= names


def test_a_model_without_answers_is_not_asked_of_the_form(masked: Path) -> None:
    """It hears the voice, which tells more than the mask; there is no form to leave it with."""
    evaluation = found(hears_the_voice(), masked)

    assert [one.name for one in evaluation.leaks.baselines] == ["form", "duration"]
    assert not any("form" in warning for warning in evaluation.warnings)


def test_the_same_model_on_fair_data_has_nothing_to_live_on(fair: Path) -> None:
    """It is a bad model there, and that is all."""
    evaluation = found(hears_the_length(), fair)

    area = next(metric for metric in evaluation.metrics if metric.name == "auc")
    assert area.low is not None
    assert area.low < 0.5
    assert spurious(evaluation) == set()


def test_too_few_patients_are_no_acquittal(tmp_path: Path) -> None:
    """With nine of a label nothing is said of leaks."""
    evaluation = found(hears_the_room(), put_people(tmp_path, 9, noisier=2.0))

    assert {one.verdict for one in evaluation.leaks.probes} == {Verdict.TOO_FEW}
    assert all(one.area is None for one in evaluation.leaks.baselines)


def test_the_same_data_and_seed_give_the_same_evaluation(fair: Path) -> None:
    """To the last digit; another seed, other draws."""
    labelled = read_labelled(fair)
    model = opened(hears_the_voice())
    first, again, other = (
        evaluate(model, labelled, EvaluationPlan(seed=seed, n_draws=50)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first.metrics != other.metrics
