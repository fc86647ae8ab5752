"""A model and labelled recordings: how good it is, and whether it hears what it must not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from appliance.core.errors import FieldError, InvalidRequest
from models.evaluation.areas import N_DRAWS
from models.evaluation.assembling import assembled, refuse_unscored
from models.evaluation.findings import Evaluation
from models.evaluation.leaks import Terms
from models.evaluation.listening import Listener, one_a_patient, scores_of
from models.evaluation.opened import OpenedModel
from models.evaluation.operating import Aim, ChosenPoint, choose_point
from models.evaluation.probes import Probes
from models.evaluation.rounds import hear_all, probe_all
from models.labelled.cases import LabelledCase, LabelledSet, digest_of
from models.labelled.splitting import parts
from models.labelled.trained_on import not_trained_on, read_trained_on
from models.progress import Progress, silent

SEED: Final = 20_261
_VALIDATION: Final = "validation"
_TEST: Final = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationPlan:
    """How a model is evaluated; with the same data it gives the same evaluation.

    Attributes:
        validation: share of the patients by whom an operating point is chosen, none of whom any
            metric is of; 0 leaves thresholds and probabilities as the model has them.
        aim: what the thresholds must keep.
        seed: of parts, draws, folds and probes.
        n_draws: of patients, for intervals.
    """

    validation: float = 0.0
    aim: Aim = field(default_factory=Aim)
    seed: int = SEED
    n_draws: int = N_DRAWS


def evaluate(
    model: OpenedModel,
    labelled: LabelledSet,
    plan: EvaluationPlan,
    *,
    progress: Progress = silent,
) -> Evaluation:
    """Return how the model does on labelled cases, one a patient, and its leak report.

    Patients the model was trained on are left out, where its directory says who they were; where
    nothing does, as with a bundle, that is among the warnings.

    Raises:
        InvalidRequest: the plan cannot be kept, a recording cannot be read, or nobody of one label
            could be scored.
        FileMissing: a recording is gone.
        GraphRefused, PredictionFailed: the model cannot be run.
    """
    known = read_trained_on(model.directory) if model.directory is not None else None
    if known is not None:
        labelled = not_trained_on(labelled, known)
    listener = Listener(model)
    cases: Sequence[LabelledCase] = labelled.cases
    point: ChosenPoint | None = None
    if plan.validation:
        point, cases = _operating_point(model, listener, labelled, plan, progress)
    platt = point.platt if point else None
    probes = Probes(cases, listener.roles, seed=plan.seed)
    probed = probe_all(listener, cases, probes, platt=platt, progress=progress)
    terms = Terms(
        t_low=point.t_low if point else model.manifest.t_low,
        t_high=point.t_high if point else model.manifest.t_high,
        n_draws=plan.n_draws,
        seed=plan.seed,
    )
    refuse_unscored([one.heard for one in probed])
    return assembled(model, labelled, cases, probed, terms, point, ward_noise=probes.ward_noise)


def _operating_point(
    model: OpenedModel,
    listener: Listener,
    labelled: LabelledSet,
    plan: EvaluationPlan,
    progress: Progress,
) -> tuple[ChosenPoint, Sequence[LabelledCase]]:
    """Return the operating point, and the cases of all patients it was not chosen by."""
    if model.directory is None:
        raise _invalid(
            "a bundle is signed: choose the operating point of its model directory, and pack again",
            "bundle",
        )
    if not 0 < plan.validation < 1:
        raise _invalid("a share is above 0 and below 1", "range")
    shares = {_VALIDATION: plan.validation, _TEST: 1 - plan.validation}
    found = parts(labelled.cases, shares, seed=plan.seed)
    heard = hear_all(listener, found[_VALIDATION], step="validation", progress=progress)
    refuse_unscored(heard)
    probability, positive, _ = scores_of(one_a_patient(heard))
    digest = digest_of(found[_VALIDATION])
    return choose_point(probability, positive, aim=plan.aim, digest=digest), found[_TEST]


def _invalid(message: str, code: str) -> InvalidRequest:
    fault = FieldError(field=_VALIDATION, code=code, message=message)
    return InvalidRequest("The evaluation cannot be done so.", errors=(fault,))
