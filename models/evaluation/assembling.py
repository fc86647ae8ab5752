"""What was heard becomes an evaluation: metrics, tables, curves, the leak report, warnings."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from appliance import __version__
from appliance.core.diagnosis import Diagnosis, Reason
from appliance.core.errors import FieldError, InvalidRequest
from appliance.core.manifest import Metric
from models.evaluation.areas import Draws, Interval, area_interval, draw_patients, roc_points
from models.evaluation.calibration import Calibration, calibration
from models.evaluation.cautions import warnings_of
from models.evaluation.findings import Evaluation, LeakReport, Sample, TableRow
from models.evaluation.form_answers import answers_for
from models.evaluation.leaks import Probed, Terms, leak_report
from models.evaluation.listening import Heard, one_a_patient, scores_of
from models.evaluation.opened import OpenedModel
from models.evaluation.operating import ChosenPoint
from models.labelled.cases import LabelledCase, LabelledSet, digest_of
from models.training.metrics import GreyZone, metrics, share_of

_MOST_POINTS: Final = 200
_NOT_OF_SCORED: Final = frozenset({"auc", "sensitivity_at_point", "specificity_at_point"})
"""Areas are of all cases, and at the operating point who could not be scored counts, too."""


def assembled(
    model: OpenedModel,
    labelled: LabelledSet,
    cases: Sequence[LabelledCase],
    probed: Sequence[Probed],
    terms: Terms,
    point: ChosenPoint | None,
    *,
    ward_noise: str,
) -> Evaluation:
    """Return the evaluation of a model on these cases, those of no label excepted.

    Args:
        model: that was heard.
        labelled: where the cases come from.
        cases: the part that metrics are of.
        probed: what was heard of each of them.
        terms: thresholds, draws and seed.
        point: None where the model keeps its own.
        ward_noise: what was mixed in, in words.
    """
    scored = [one for one in probed if one.heard.probability is not None]
    leaks = leak_report(scored, terms, answers=answers_for(model.manifest), ward_noise=ward_noise)
    people = one_a_patient(one.heard for one in probed)
    sample = _sample(labelled, cases)
    own = _calibration(people, terms)
    return Evaluation(
        model_name=model.manifest.name,
        model_version=model.manifest.version,
        graph_sha256=hashlib.sha256(model.graph).hexdigest(),
        software=f"spira {__version__}",
        sample=sample,
        seed=terms.seed,
        n_draws=terms.n_draws,
        point=point,
        t_low=terms.t_low,
        t_high=terms.t_high,
        metrics=(
            *_metrics(people, [one.heard for one in scored], terms, sample),
            *_of_calibration(own, sample),
            *_of_leaks(leaks, sample),
        ),
        answers=_answers(people, terms),
        reasons=_reasons(people, terms),
        roc=_roc([one.heard for one in scored]),
        calibration=own,
        uncalibrated=_calibration(_uncalibrated(probed), terms) if point else None,
        leaks=leaks,
        warnings=tuple(warnings_of(leaks, n_trained_on=labelled.n_trained_on)),
    )


def refuse_unscored(heard: Sequence[Heard]) -> None:
    """Refuse what leaves nothing to tell apart. Raises InvalidRequest."""
    labels = {one.case.positive for one in heard if one.probability is not None}
    if len(labels) == len({True, False}):
        return
    why = Counter(str(one.reason) for one in heard if one.probability is None)
    told = ", ".join(f"{reason}: {n}" for reason, n in sorted(why.items())) or "no reason"
    message = f"no case of one label could be scored ({told} of {len(heard)} cases)"
    fault = FieldError(field="recordings", code="unscored", message=message)
    raise InvalidRequest("The model answers too few of these cases.", errors=(fault,))


def _roc(scored: Sequence[Heard]) -> tuple[tuple[float, float], ...]:
    """Return the curve, thinned where it has more points than a picture shows."""
    probability, positive, _ = scores_of(scored)
    points = roc_points(probability, positive)
    kept = np.unique(np.linspace(0, len(points) - 1, _MOST_POINTS).round().astype(int))
    return tuple(points[index] for index in kept)


def _sample(labelled: LabelledSet, cases: Sequence[LabelledCase]) -> Sample:
    everyone = {case.patient_id for case in cases}
    positive = {case.patient_id for case in cases if case.positive}
    return Sample(
        description=labelled.description,
        digest=digest_of(cases),
        n_positive=len(positive),
        n_negative=len(everyone - positive),
        n_cases=len(cases),
        n_left_out=labelled.n_left_out,
        n_trained_on=labelled.n_trained_on,
    )


def _uncalibrated(probed: Sequence[Probed]) -> tuple[Heard, ...]:
    return one_a_patient(
        Heard(
            case=one.heard.case,
            probability=one.uncalibrated,
            reason=one.heard.reason,
            snr_db=one.heard.snr_db,
        )
        for one in probed
    )


def _draws(heard: Sequence[Heard], terms: Terms) -> Draws:
    _, positive, patients = scores_of(heard)
    return draw_patients(patients, positive, n_draws=terms.n_draws, seed=terms.seed)


def _calibration(people: Sequence[Heard], terms: Terms) -> Calibration:
    probability, positive, _ = scores_of(people)
    return calibration(probability, positive, _draws(people, terms))


def _metrics(
    people: Sequence[Heard], scored: Sequence[Heard], terms: Terms, sample: Sample
) -> Iterator[Metric]:
    """Yield the shares of patients, each by the first case, and the area over all cases."""
    probability, positive, _ = scores_of(people)
    zone = GreyZone(t_low=terms.t_low, t_high=terms.t_high)
    for metric in metrics(probability, positive.astype(np.float64), zone, on=_on(sample)):
        if metric.name not in _NOT_OF_SCORED:
            yield metric
    yield from _at_point(people, terms, sample)
    every, labels, patients = scores_of(scored)
    area = area_interval(every, labels, _draws(scored, terms))
    yield _metric("auc", area, len(set(patients)), sample)


def _at_point(people: Sequence[Heard], terms: Terms, sample: Sample) -> Iterator[Metric]:
    """Yield the shares of all patients whom the answer itself finds or clears."""
    for name, ill, answer in (
        ("sensitivity_at_point", True, Diagnosis.POSITIVE),
        ("specificity_at_point", False, Diagnosis.NEGATIVE),
    ):
        found = [
            one.diagnosis(terms.t_low, terms.t_high)[0] is answer
            for one in people
            if one.case.positive is ill
        ]
        yield share_of(name, np.array(found, dtype=np.bool_), on=_on(sample))


def _of_calibration(found: Calibration, sample: Sample) -> Iterator[Metric]:
    n = sum(one.n for one in found.bins)
    yield _metric("brier", found.brier, n, sample)
    if found.slope:
        yield _metric("calibration_slope", found.slope, n, sample)
    if found.intercept:
        yield _metric("calibration_intercept", found.intercept, n, sample)


def _of_leaks(leaks: LeakReport, sample: Sample) -> Iterator[Metric]:
    for probe in leaks.probes:
        if probe.area:
            n = probe.n_positive + probe.n_negative
            yield _metric(f"leak_{probe.name}_auc", probe.area, n, sample)
    for flip in leaks.flips:
        if flip.flips:
            yield _metric(f"flips_at_{flip.snr_db}_db", flip.flips, flip.n, sample)
    for baseline in leaks.baselines:
        n = baseline.n_positive + baseline.n_negative
        if baseline.area and baseline.gain:
            yield _metric(f"{baseline.name}_only_auc", baseline.area, n, sample)
            yield _metric(f"gain_over_{baseline.name}_only", baseline.gain, n, sample)


def _metric(name: str, found: Interval, n: int, sample: Sample) -> Metric:
    return Metric(name=name, value=found.value, low=found.low, high=found.high, n=n, on=_on(sample))


def _on(sample: Sample) -> str:
    return f"{sample.description}, SHA-256 {sample.digest[:16]}"


def _answers(people: Sequence[Heard], terms: Terms) -> tuple[TableRow, ...]:
    said = Counter(
        (one.diagnosis(terms.t_low, terms.t_high)[0], one.case.positive) for one in people
    )
    return tuple(
        TableRow(answer=answer.value, n_positive=said[answer, True], n_negative=said[answer, False])
        for answer in (Diagnosis.POSITIVE, Diagnosis.INCONCLUSIVE, Diagnosis.NEGATIVE)
    )


def _reasons(people: Sequence[Heard], terms: Terms) -> tuple[TableRow, ...]:
    why = Counter(
        (one.diagnosis(terms.t_low, terms.t_high)[1], one.case.positive) for one in people
    )
    return tuple(
        TableRow(answer=reason.value, n_positive=why[reason, True], n_negative=why[reason, False])
        for reason in Reason
        if why[reason, True] or why[reason, False]
    )
