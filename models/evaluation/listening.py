"""Labelled cases through the model, in the very way of the box."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from appliance.core.diagnosis import Diagnosis, Reason, decide_before_run, diagnose
from appliance.core.manifest import Manifest
from appliance.core.model_inputs import build_inputs
from appliance.core.quality import measure
from models.evaluation.opened import OpenedModel
from models.graph_run import GraphRun
from models.labelled.cases import LabelledCase, Waveform
from models.labelled.judging import Judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the model says of a case.

    Attributes:
        probability: None where the box would not have run the model.
        reason: why not.
        snr_db: level over noise of the noisiest recording heard; None where it cannot be told.
    """

    case: LabelledCase
    probability: float | None
    reason: Reason | None
    snr_db: float | None

    def diagnosis(self, t_low: float, t_high: float) -> tuple[Diagnosis, Reason | None]:
        """Return what the box would answer at these thresholds."""
        if self.probability is None:
            return Diagnosis.INCONCLUSIVE, self.reason
        return diagnose(self.probability, t_low, t_high)


class Listener:
    """A model, ready to hear cases and what is made of them."""

    def __init__(self, model: OpenedModel) -> None:
        """Load the graph. Raises GraphRefused."""
        manifest = model.manifest
        self.manifest: Manifest = manifest
        self.roles = tuple(entry.role for entry in manifest.roles)
        self._run = GraphRun(model.graph, self.roles, manifest.metadata)
        self._judge = Judge(manifest.protocols)

    def probability(self, waveforms: Mapping[str, Waveform], form: Mapping[str, object]) -> float:
        """Return the graph's answer. Raises PredictionFailed."""
        return self._run.scored(build_inputs(self.manifest, waveforms, form)).probability

    def hear(self, case: LabelledCase, waveforms: Mapping[str, Waveform]) -> Heard:
        """Return what the box would compute, its own checks of quality and population first.

        Verdicts are those of the box that took the case; where none did, the limits of the model's
        protocol judge, if it ships with this release.

        Raises:
            PredictionFailed.
        """
        measures = {role: measure(samples, rate) for role, (samples, rate) in waveforms.items()}
        refusal = decide_before_run(
            self.manifest,
            protocol_id=case.protocol_id or self.manifest.protocols[0],
            form=case.form,
            verdicts=self._judge.verdicts(case, measures),
            not_done=case.not_done,
            language=case.language,
        )
        ratios = [measures[role].snr_db for role in self.roles if role in measures]
        known = [ratio for ratio in ratios if ratio is not None]
        return Heard(
            case=case,
            probability=None if refusal else self.probability(waveforms, case.form),
            reason=refusal[0] if refusal else None,
            snr_db=min(known) if known and len(known) == len(ratios) else None,
        )


def one_a_patient(heard: Iterable[Heard]) -> tuple[Heard, ...]:
    """Return the first case of each patient, in the order of ids: no one counts twice."""
    first: dict[str, Heard] = {}
    for one in heard:
        first.setdefault(one.case.patient_id, one)
    return tuple(first.values())


def scores_of(
    heard: Iterable[Heard],
) -> tuple[NDArray[np.float64], NDArray[np.bool_], tuple[str, ...]]:
    """Return probabilities, labels and patients of the cases that were scored."""
    scored = [(one, one.probability) for one in heard if one.probability is not None]
    return (
        np.array([probability for _, probability in scored], dtype=np.float64),
        np.array([one.case.positive for one, _ in scored], dtype=np.bool_),
        tuple(one.case.patient_id for one, _ in scored),
    )
