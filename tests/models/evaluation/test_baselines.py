"""Baselines: what the form or the lengths tell, fitted without the patient they are asked of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from appliance.core.manifest import Encoding, MetadataField
from models.evaluation.areas import Draws, area
from models.evaluation.baselines import cross_validated, form_columns
from models.evaluation.form_answers import FormAnswer, answers_for
from models.evaluation.leaks import Probed, Terms, leak_report
from models.evaluation.listening import Heard
from models.labelled.cases import LabelledCase
from tests.bundle_builders import a_manifest


def cases(forms: list[dict[str, object]], *, sessions: int = 1) -> list[LabelledCase]:
    """Return cases, every second one positive, so many of each patient."""
    return [
        LabelledCase(
            id=f"{number:03}/{session}",
            patient_id=f"{number:03}",
            positive=number % 2 == 0,
            recordings={},
            form=form,
        )
        for number, form in enumerate(forms)
        for session in range(sessions)
    ]


def labels(everyone: list[LabelledCase]) -> np.ndarray:
    """Return whether each is positive."""
    return np.array([case.positive for case in everyone])


def once(everyone: list[LabelledCase]) -> Draws:
    """Return the draw that is everybody, once."""
    return Draws(weights=np.ones((1, len(everyone))))


NUMBERS = tuple(
    FormAnswer(name=name, coded=False) for name in ("age", "bpm", "respiratory_frequency", "spo2")
)
MASK = FormAnswer(name="mask_type", coded=True)


def test_fields_that_half_of_the_patients_answer_are_columns() -> None:
    """A truth value or a text is no number."""
    forms: list[dict[str, object]] = [
        {"age": 50, "spo2": 97.5, "bpm": True, "respiratory_frequency": "fast"},
        {"age": 60},
        {"age": 70, "spo2": 91},
        {"spo2": None},
    ]

    names, columns = form_columns(cases(forms), NUMBERS)

    assert names == ("age", "spo2")
    expected = np.array([[50, 97.5], [60, np.nan], [70, 91], [np.nan, np.nan]])
    assert np.array_equal(columns, expected, equal_nan=True)


def test_a_coded_answer_is_a_column_for_each_code() -> None:
    """That it is missing is a code, too; what everybody answers alike tells nothing."""
    forms: list[dict[str, object]] = [
        {"mask_type": "NONE", "posture": "lying", "speaks": True},
        {"mask_type": "THIN", "posture": "lying", "speaks": False},
        {"mask_type": None, "posture": "lying", "speaks": True, "rare": "x"},
    ]
    answers = (MASK, *(FormAnswer(name=n, coded=True) for n in ("posture", "speaks", "rare")))

    names, columns = form_columns(cases(forms), answers)

    assert names == ("mask_type", "speaks")
    assert columns.tolist() == [[1, 0, 0, 0, 1], [0, 1, 0, 1, 0], [0, 0, 1, 0, 1]]


def test_what_a_model_is_told_is_known_however_few_answer_it() -> None:
    """That only patients were asked is the label again, and the model sees it."""
    forms: list[dict[str, object]] = [{"spo2": 90}, {}, {}, {}]
    asked = FormAnswer(name="spo2", coded=False, of_model=True)
    assert form_columns(cases(forms), (asked,))[0] == ("spo2",)
    assert form_columns(cases([{}, {}]), (asked,))[0] == ()


def test_a_model_may_use_what_the_protocol_lets_it() -> None:
    """Numbers, codes and truth values; nothing that is the label again, no date, no free text."""
    told = {one.name: one for one in answers_for(a_manifest(protocols=("spira-2022.1",)))}

    assert {"age", "spo2", "gender", "mask_type", "covid_status", "posture"} <= told.keys()
    assert not told.keys() & {"o2_support", "local", "location", "sample_type", "cid", "spo2_at"}
    assert (told["age"].coded, told["mask_type"].coded) == (False, True)
    own = MetadataField(field="of_ours", encoding=Encoding.BOOLEAN, missing=0.0, categories={})
    strange = a_manifest(protocols=("not-here",), metadata=(own,))
    assert answers_for(strange) == (FormAnswer(name="of_ours", coded=True, of_model=True),)


def test_a_column_that_tells_is_found() -> None:
    """And that it is missing tells, too, where only controls were not asked."""
    rng = np.random.default_rng(0)
    told: list[dict[str, object]] = [
        {"spo2": float(rng.normal(90 if number % 2 == 0 else 97, 2))} for number in range(60)
    ]
    missing: list[dict[str, object]] = [
        {"age": float(rng.normal(60, 9))} if number % 2 == 0 or number % 5 else {}
        for number in range(60)
    ]
    for forms, least in ((told, 0.95), (missing, 0.52)):
        everyone = cases(forms)
        _, columns = form_columns(everyone, NUMBERS)
        found = cross_validated(columns, everyone, seed=1)
        assert found.areas(labels(everyone), once(everyone))[0] > least


def test_a_patient_is_never_in_the_fit_that_is_asked_of_them() -> None:
    """A column that is the patient's own number tells nothing of a patient never seen."""
    rng = np.random.default_rng(2)
    forms: list[dict[str, object]] = [{"age": float(rng.normal())} for _ in range(40)]
    everyone = cases(forms, sessions=6)
    own = np.zeros((len(everyone), 40))
    for row, case in enumerate(everyone):
        own[row, int(case.patient_id)] = 1.0

    found = cross_validated(own, everyone, seed=3).areas(labels(everyone), once(everyone))[0]

    # Had any session of the patient been in the fit, it would be near 1.
    assert found == pytest.approx(0.5, abs=0.15)


def test_the_seed_decides_the_folds() -> None:
    """The same seed, the same answers."""
    rng = np.random.default_rng(4)
    everyone = cases([{"age": float(rng.normal())} for _ in range(40)])
    _, columns = form_columns(everyone, NUMBERS)
    first, again, other = (
        cross_validated(columns, everyone, seed=seed).logits for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_nothing_to_tell_is_chance() -> None:
    """Folds of unlike shares are fitted to unlike levels; over all pairs that is under 0.5."""
    everyone = [one for one in cases([{}] * 28) if not one.positive or int(one.patient_id) < 22]
    nothing = np.zeros((len(everyone), 1))

    found = cross_validated(nothing, everyone, seed=5)

    assert found.areas(labels(everyone), once(everyone)).tolist() == [0.5]
    assert area(found.logits[0], labels(everyone)) < 0.47


def test_a_model_of_noise_is_rarely_better_than_a_form_of_noise() -> None:
    """Over many data sets the form's area is 0.5, and a bound above it as rare as it says."""
    n, areas, n_better = 60, [], 0
    for number in range(n):
        rng = np.random.default_rng(number)
        everyone = [
            replace(one, patient_id=f"{number} {one.patient_id}")
            for one in cases([{"age": rng.normal(), "spo2": rng.normal()} for _ in range(20)])
        ]
        heard = [
            Probed(heard=Heard(case=one, probability=rng.random(), reason=None, snr_db=None))
            for one in everyone
        ]
        terms = Terms(t_low=0.4, t_high=0.6, n_draws=200, seed=number)
        form = leak_report(heard, terms, answers=NUMBERS, ward_noise="").baselines[0]
        assert form.area is not None
        assert form.gain is not None
        areas.append(form.area.value)
        n_better += form.gain.low > 0
    assert np.mean(areas) == pytest.approx(0.5, abs=0.05)
    assert n_better <= 4
