"""An evaluation in words, tables and pictures, for the card."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from appliance.core.manifest import Manifest, Metric
from models.evaluation.areas import Interval
from models.evaluation.blocks import Block, Caution, Figure, Heading, Paragraph, Table
from models.evaluation.calibration import Calibration
from models.evaluation.figures import areas_figure, reliability_figure, roc_figure
from models.evaluation.findings import Evaluation, LeakReport, Verdict
from models.evaluation.leaks import DURATION, FORM, LEAST_PATIENTS, MODEL_ON_FORM
from models.evaluation.probes import LENGTH, PAUSES, QUIET_SNR_DB, ROOM
from models.evaluation.rendering import as_html
from models.metric_words import words_of

_SHARES: Final = (
    *("accuracy", "sensitivity", "specificity", "sensitivity_at_point", "specificity_at_point"),
    *("share_decided", "accuracy_decided", "sensitivity_decided", "specificity_decided", "auc"),
)
_PROBES: Final = {
    ROOM: "the sound of the room alone",
    LENGTH: "made noise of the same lengths",
    PAUSES: "the parts without speech",
}
_VERDICTS: Final = {
    Verdict.SPURIOUS: "SPURIOUS: better than chance",
    Verdict.NO_SIGN: "no sign of a leak",
    Verdict.TOO_FEW: f"cannot be told: under {LEAST_PATIENTS} patients of a label",
}
_UNSAID: Final = "Its author has yet to say."
_SPECIFICITIES: Final = (0.95, 0.9, 0.8, 0.5)
_HAIR: Final = 1e-9
_BASELINES: Final = {
    FORM: "the form alone",
    MODEL_ON_FORM: "the form, by the model itself",
    DURATION: "the lengths alone",
}


def page_of(manifest: Manifest, evaluation: Evaluation) -> str:
    """Return an evaluated model's page in HTML: what its author says, then what was found."""
    title = f"{manifest.name} {manifest.version}"
    warning = "Demonstration model: it says nothing about patients."
    blocks = (
        Heading(title, level=1),
        *((Caution(warning),) if manifest.demonstration else ()),
        Heading("Intended use"),
        Paragraph(manifest.intended_use or _UNSAID),
        Heading("Limits"),
        Paragraph(manifest.limits or _UNSAID),
        *evaluation_blocks(evaluation),
    )
    return as_html(title, blocks)


def evaluation_blocks(evaluation: Evaluation) -> tuple[Block, ...]:
    """Return what was found, the warnings first."""
    sample = evaluation.sample
    several = sample.n_cases - sample.n_positive - sample.n_negative
    return (
        Heading("Evaluation"),
        *(Caution(warning) for warning in evaluation.warnings),
        Paragraph(
            f"On {sample.n_positive} patients with the disease and {sample.n_negative} without, "
            f"of {sample.description} (SHA-256 {sample.digest}). Shares are of patients, each by "
            f"one case; {several} further cases of the same patients count for areas alone. "
            f"{sample.n_left_out} cases had no label; {_trained_on(sample.n_trained_on)}. "
            f"Seed {evaluation.seed}, {evaluation.n_draws} draws of patients."
        ),
        *_point(evaluation),
        _shares(evaluation),
        Heading("Answers by reference standard", level=3),
        _answers(evaluation),
        _roc(evaluation),
        Figure(roc_figure(evaluation.roc), "ROC curve; the dashed line is chance."),
        Heading("Calibration", level=3),
        *_calibration(evaluation),
        Heading("Leak report: what the model must not hear", level=3),
        *_leaks(evaluation.leaks),
    )


def _trained_on(n_patients: int | None) -> str:
    if n_patients is None:
        return "whom the model was trained on, it is not known here, and nobody was left out for it"
    return f"{n_patients} patients were left out, since the model was trained on them"


def _point(evaluation: Evaluation) -> Iterator[Block]:
    at = (
        f"Positive from {evaluation.t_high:.3f}, negative up to {evaluation.t_low:.3f}, "
        "inconclusive between"
    )
    point = evaluation.point
    if point is None:
        yield Paragraph(f"{at}: the model's own thresholds.")
        return
    yield Heading("Operating point", level=3)
    yield Paragraph(
        f"{at}, of calibrated probabilities: these replace any threshold named above. {point.rule} "
        f"Validation part: SHA-256 {point.digest}. Calibration, which is part of the graph: "
        f"sigmoid({point.slope:.4f} logit(p) {point.intercept:+.4f})."
    )


def _shares(evaluation: Evaluation) -> Table:
    by_name = {metric.name: metric for metric in evaluation.metrics}
    rows = [_metric_row(by_name[name]) for name in _SHARES if name in by_name]
    return Table(("", "value", "95 % interval", "patients"), rows)


def _metric_row(metric: Metric) -> tuple[str, ...]:
    interval = "none" if metric.low is None else f"{metric.low:.3f} to {metric.high:.3f}"
    return words_of(metric.name), f"{metric.value:.3f}", interval, str(metric.n)


def _answers(evaluation: Evaluation) -> Table:
    rows = [(row.answer, str(row.n_positive), str(row.n_negative)) for row in evaluation.answers]
    rows += [
        (f"of these, {row.answer}", str(row.n_positive), str(row.n_negative))
        for row in evaluation.reasons
    ]
    return Table(("answer", "with the disease", "without"), rows)


def _roc(evaluation: Evaluation) -> Table:
    """Return the most sensitivity at some specificities, read off the curve."""
    rows = [
        (f"{wanted:.2f}", f"{max(y for x, y in evaluation.roc if x <= 1 - wanted + _HAIR):.3f}")
        for wanted in _SPECIFICITIES
    ]
    return Table(("at a specificity of at least", "sensitivity on the ROC curve"), rows)


def _calibration(evaluation: Evaluation) -> Iterator[Block]:
    rows = [_calibration_row("as packed", evaluation.calibration)]
    if evaluation.uncalibrated is not None:
        rows.append(_calibration_row("before calibration", evaluation.uncalibrated))
    yield Table(("", "Brier score", "slope (1 is right)", "intercept (0 is right)"), rows)
    yield Table(
        ("probability said (mean)", "share observed", "95 % interval", "patients"),
        [
            (
                f"{one.said:.3f}",
                f"{one.observed.value:.3f}",
                f"{one.observed.low:.3f} to {one.observed.high:.3f}",
                str(one.n),
            )
            for one in evaluation.calibration.bins
        ],
    )
    picture = reliability_figure(evaluation.calibration)
    yield Figure(picture, "Reliability; on the dashed line what is said is what is observed.")


def _calibration_row(name: str, found: Calibration) -> tuple[str, ...]:
    separated = "none: the labels are separated"
    slope = _figure(found.slope) if found.slope else separated
    level = _figure(found.intercept) if found.intercept else separated
    return name, _figure(found.brier), slope, level


def _figure(found: Interval | None) -> str:
    return "-" if found is None else f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def _leaks(leaks: LeakReport) -> Iterator[Block]:
    yield Paragraph(
        "In each of these there is nothing of the disease to hear; answers of the form are left "
        "out. Where even the lower bound of the area is above 0.5, the model is called spurious."
    )
    yield Table(
        ("the model hears only", "AUC (95 % interval)", "patients", "verdict"),
        [
            (
                _PROBES[one.name],
                _figure(one.area),
                f"{one.n_positive} + {one.n_negative}",
                _VERDICTS[one.verdict],
            )
            for one in leaks.probes
        ],
    )
    yield from _flips(leaks)
    yield Paragraph(
        "What can be told without listening: logistic regressions on the answers that a model "
        "may use, and on the lengths; five-fold, no patient in two folds, ten times. Areas are of "
        "pairs of the same fold, whose scores come from the same fit; the gain is the model's area "
        "over those pairs less theirs, or less 0.5 where theirs is lower. A model that is told "
        "answers is asked itself, too, with the same made noise in place of everybody's voice."
    )
    yield Table(
        ("known", "columns", "AUC (95 % interval)", "gain of the model"),
        [
            (
                _BASELINES[one.name],
                ", ".join(one.columns) or "no answers",
                _figure(one.area),
                _figure(one.gain),
            )
            for one in leaks.baselines
        ],
    )
    areas = [
        *((_PROBES[p.name], p.area, p.verdict is Verdict.SPURIOUS) for p in leaks.probes),
        *((_BASELINES[b.name], b.area, False) for b in leaks.baselines),
    ]
    known = [(name, area, bad) for name, area, bad in areas if area is not None]
    if known:
        picture = areas_figure("Areas without the voice", known)
        yield Figure(picture, "Areas without the voice; the dashed line is chance; red: spurious.")


def _flips(leaks: LeakReport) -> Iterator[Block]:
    yield Paragraph(
        f"Noise of a ward ({leaks.ward_noise}) mixed into recordings of {QUIET_SNR_DB:g} dB and "
        "more over their own noise:"
    )
    yield Table(
        (
            "at",
            "answers that change",
            "share (95 % interval)",
            "to positive, of those without",
            "to negative, of those with",
        ),
        [
            (
                f"{one.snr_db} dB",
                f"{one.n_flips} of {one.n}",
                _figure(one.flips) + (" FRAGILE" if one.is_fragile else ""),
                str(one.n_to_positive),
                str(one.n_to_negative),
            )
            for one in leaks.flips
        ],
    )
