"""Run a past inference again, from the stored audio and the stored graphs, and compare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from appliance.core.audit import AuditAction, audited
from appliance.core.errors import ResultNotFound
from appliance.core.ids import InferenceId
from appliance.core.result import Answer, Result, ResultState
from appliance.ports import AuditRecords
from appliance.usecases.predict import Scoring, answer_of

TOLERANCE: Final = 1e-4
"""How far a probability may move: more than rounding does, far less than anybody would see."""

_ANSWERED: Final = frozenset({ResultState.DONE, ResultState.ERROR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What was said then, and what the same version says now."""

    stored: Result
    answer: Answer

    @property
    def difference(self) -> float | None:
        """How far the probability moved; None unless there is one then and now."""
        then, now = self.stored.probability, self.answer.probability
        return None if then is None or now is None else abs(now - then)

    @property
    def agrees(self) -> bool:
        """Whether the probability is within the tolerance; without one, whether all is equal.

        A probability that moved less may still cross a threshold it lay on: that agrees.
        """
        if self.difference is not None:
            return self.difference <= TOLERANCE
        then = self.stored
        said = (then.probability, then.diagnosis, then.reason, then.reason_subject, then.error_code)
        now = self.answer
        return said == (
            now.probability,
            now.diagnosis,
            now.reason,
            now.reason_subject,
            now.error_code,
        )


def replay(
    inference_id: InferenceId, model: str, *, actor: str, scoring: Scoring, audit: AuditRecords
) -> Iterator[Replayed]:
    """Yield each answered result beside its replay; nothing that is stored changes.

    That somebody had the recordings read is audited before they are.

    Args:
        inference_id: which one.
        model: `NAME` or `NAME@VERSION`; all if empty.
        actor: who asked.
        scoring: what a prediction works with.
        audit: the chain.

    Raises:
        InferenceNotFound.
        ResultNotFound: no such result is stored, or none is answered yet.
    """
    scoring.inferences.inference(inference_id)
    chosen = _answered(scoring.inferences.results(inference_id), model)
    if not chosen:
        raise ResultNotFound("No answered result of that model is stored.", id=inference_id)
    audit.append(
        audited(
            AuditAction.INFERENCE_REPLAYED,
            inference_id,
            at=scoring.clock(),
            actor=actor,
            n_results=len(chosen),
        )
    )
    for stored in chosen:
        yield Replayed(stored=stored, answer=answer_of(stored, scoring))


def _answered(results: Sequence[Result], model: str) -> Sequence[Result]:
    name, _, version = model.partition("@")
    return [
        result
        for result in results
        if result.state in _ANSWERED
        and name in {"", result.model_name}
        and version in {"", result.model_version}
    ]
