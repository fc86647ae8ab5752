"""The leak report: what the model says where it must not be able to say anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from appliance.core.diagnosis import Diagnosis, diagnose
from models.evaluation.areas import Draws, Interval, area_draws, area_interval, draw_patients
from models.evaluation.areas import percentile as with_percentiles
from models.evaluation.baselines import cross_validated, form_columns
from models.evaluation.findings import (
    BaselineFinding,
    FlipFinding,
    LeakReport,
    ProbeFinding,
    Verdict,
)
from models.evaluation.form_answers import FormAnswer
from models.evaluation.listening import Heard, one_a_patient
from models.evaluation.probes import LENGTH, PAUSES, ROOM, SNRS_DB, UNHEARD, mixed
from models.training.metrics import wilson

Labels: TypeAlias = NDArray[np.bool_]

FORM: Final = "form"
MODEL_ON_FORM: Final = "model_on_form"
DURATION: Final = "duration"
"""Baselines: what tells without listening."""

CHANCE: Final = 0.5
LEAST_PATIENTS: Final = 10
"""Of each label: with fewer, an interval of draws says too little."""
FRAGILE_FROM: Final = 0.10
"""Share of answers that may change with noise before the model is called fragile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """A case, what the model said of its probes, and how long its recordings are.

    Attributes:
        heard: its probability is calibrated by the operating point, if there is one.
        uncalibrated: the probability as the graph gave it.
        probes: name -> probability, calibrated as the case's own.
        seconds: role -> length.
    """

    heard: Heard
    uncalibrated: float | None = None
    probes: Mapping[str, float] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """At which thresholds, with how many draws, by which seed."""

    t_low: float
    t_high: float
    n_draws: int
    seed: int


def leak_report(
    probed: Sequence[Probed], terms: Terms, *, answers: Sequence[FormAnswer], ward_noise: str
) -> LeakReport:
    """Return what was found of the cases that were scored; calibrated like them.

    Args:
        probed: the cases.
        terms: thresholds, draws and seed.
        answers: of the form, that models may use.
        ward_noise: what was mixed in, in words.
    """
    told = tuple(one.name for one in answers if one.of_model)
    return LeakReport(
        probes=tuple(_probe(name, probed, terms) for name in (ROOM, LENGTH, PAUSES)),
        flips=tuple(_flips(snr_db, probed, terms) for snr_db in SNRS_DB),
        baselines=(
            _form(probed, answers, terms),
            *((_model_on_form(probed, told, terms),) if told else ()),
            _duration(probed, terms),
        ),
        ward_noise=ward_noise,
    )


def _probe(name: str, probed: Sequence[Probed], terms: Terms) -> ProbeFinding:
    found = [one for one in probed if name in one.probes]
    n_positive, n_negative = _n_patients(found)
    if min(n_positive, n_negative) < LEAST_PATIENTS:
        interval, verdict = None, Verdict.TOO_FEW
    else:
        scores = np.array([one.probes[name] for one in found])
        interval = _interval(scores, found, terms)
        verdict = Verdict.SPURIOUS if interval.low > CHANCE else Verdict.NO_SIGN
    return ProbeFinding(
        name=name,
        area=interval,
        n_positive=n_positive,
        n_negative=n_negative,
        verdict=verdict,
    )


def _flips(snr_db: int, probed: Sequence[Probed], terms: Terms) -> FlipFinding:
    name = mixed(snr_db)
    after = {one.heard.case.id: one.probes[name] for one in probed if name in one.probes}
    quiet = one_a_patient(one.heard for one in probed if one.heard.case.id in after)
    changes = [
        (
            heard.case.positive,
            heard.diagnosis(terms.t_low, terms.t_high)[0],
            diagnose(after[heard.case.id], terms.t_low, terms.t_high)[0],
        )
        for heard in quiet
    ]
    flipped = [(positive, new) for positive, old, new in changes if new is not old]
    interval = None
    if changes:
        low, high = wilson(len(flipped), len(changes))
        interval = Interval(value=len(flipped) / len(changes), low=low, high=high)
    return FlipFinding(
        snr_db=snr_db,
        n=len(changes),
        n_flips=len(flipped),
        flips=interval,
        n_to_positive=sum(new is Diagnosis.POSITIVE for ill, new in flipped if not ill),
        n_to_negative=sum(new is Diagnosis.NEGATIVE for ill, new in flipped if ill),
        is_fragile=interval is not None and interval.low > FRAGILE_FROM,
    )


def _form(probed: Sequence[Probed], answers: Sequence[FormAnswer], terms: Terms) -> BaselineFinding:
    names, columns = form_columns([one.heard.case for one in probed], answers)
    return _baseline(FORM, names, columns, probed, terms)


def _duration(probed: Sequence[Probed], terms: Terms) -> BaselineFinding:
    roles = tuple(sorted({role for one in probed for role in one.seconds}))
    lengths = [[one.seconds.get(role, np.nan) for role in roles] for one in probed]
    columns = np.log(np.array(lengths, dtype=np.float64).reshape(len(probed), len(roles)))
    return _baseline(DURATION, roles, columns, probed, terms)


def _model_on_form(
    probed: Sequence[Probed], told: tuple[str, ...], terms: Terms
) -> BaselineFinding:
    """Return what the model says with the true form and the same noise for everybody's voice."""
    heard = np.array([one.heard.probability for one in probed], dtype=np.float64)
    unheard = np.array([one.probes.get(UNHEARD, np.nan) for one in probed])

    def areas(positive: Labels, draws: Draws) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return area_draws(heard, positive, draws), area_draws(unheard, positive, draws)

    return _compared(MODEL_ON_FORM, told, probed, terms, areas)


def _baseline(
    name: str,
    names: tuple[str, ...],
    columns: NDArray[np.float64],
    probed: Sequence[Probed],
    terms: Terms,
) -> BaselineFinding:
    """Return what columns tell."""
    own = np.array([one.heard.probability for one in probed], dtype=np.float64)
    cases = [one.heard.case for one in probed]

    def areas(positive: Labels, draws: Draws) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        known = cross_validated(columns, cases, seed=terms.seed)
        return known.areas_of(own, positive, draws), known.areas(positive, draws)

    return _compared(name, names, probed, terms, areas)


def _compared(
    name: str,
    names: tuple[str, ...],
    probed: Sequence[Probed],
    terms: Terms,
    areas: Callable[[Labels, Draws], tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> BaselineFinding:
    """Return a baseline's area, and what the model's is over that or over chance.

    In each draw the model is compared with the larger of the baseline's area and 0.5: what is under
    chance by chance would make any model better than it.

    Args:
        name: of the baseline.
        names: what it knows; without any there is none.
        probed: the cases.
        terms: draws and seed.
        areas: of the model and the baseline, in each draw.
    """
    n_positive, n_negative = _n_patients(probed)
    interval = gain = None
    if names and min(n_positive, n_negative) >= LEAST_PATIENTS:
        positive = np.array([one.heard.case.positive for one in probed])
        patients = [one.heard.case.patient_id for one in probed]
        draws = draw_patients(patients, positive, n_draws=terms.n_draws, seed=terms.seed)
        # The first draw is everybody once: what was found itself.
        whole = Draws(weights=np.vstack((np.ones(positive.size), draws.weights)))
        own, known = areas(positive, whole)
        over = own - np.maximum(known, CHANCE)
        interval = with_percentiles(float(known[0]), known[1:])
        gain = with_percentiles(float(over[0]), over[1:])
    return BaselineFinding(
        name=name,
        columns=names,
        area=interval,
        gain=gain,
        n_positive=n_positive,
        n_negative=n_negative,
    )


def _interval(scores: NDArray[np.float64], found: Sequence[Probed], terms: Terms) -> Interval:
    positive = np.array([one.heard.case.positive for one in found])
    patients = [one.heard.case.patient_id for one in found]
    draws = draw_patients(patients, positive, n_draws=terms.n_draws, seed=terms.seed)
    return area_interval(scores, positive, draws)


def _n_patients(found: Sequence[Probed]) -> tuple[int, int]:
    """Return patients who ever were positive, and the others."""
    everyone = {one.heard.case.patient_id for one in found}
    positive = {one.heard.case.patient_id for one in found if one.heard.case.positive}
    return len(positive), len(everyone - positive)
