"""Run stored inferences through another version: shadow results, which nurses never see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from appliance.core.audit import AuditAction, audited
from appliance.core.diagnosis import Reason
from appliance.core.errors import ModelUnavailable
from appliance.core.ids import InferenceId
from appliance.core.inference import Inference, Purpose
from appliance.core.model import ModelVersion
from appliance.core.result import Answer, Result, ResultState
from appliance.core.withdrawals import Withdrawals
from appliance.ports import AuditRecords, NewId, Stored
from appliance.usecases.choose_model import pending_result
from appliance.usecases.consents import withdrawals
from appliance.usecases.predict import Scoring, answer_of


class Step(StrEnum):
    """What became of one inference: `failed` is tried again by the next run, `known` by none."""

    SCORED = "scored"
    KNOWN = "known"
    WAITING = "waiting"
    LEFT_OUT = "left-out"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescoring:
    """What rescoring works with.

    Attributes:
        may_go_on: asked before each run; waits while others have work, False ends it.
    """

    scoring: Scoring
    audit: AuditRecords
    new_id: NewId
    may_go_on: Callable[[], bool]


def rescore(
    version: ModelVersion, *, since: datetime | None, actor: str, work: Rescoring
) -> Iterator[tuple[InferenceId, Step]]:
    """Yield what became of each inference, in the order received.

    Each result is one transaction: whoever ends this at any moment loses the run under way, and
    the next call goes on where there is no result yet. Left out are collections and what research
    may not use; a consent taken back meanwhile at another visit counts from the next call on.

    Args:
        version: the one that is asked; it need not be active.
        since: only what the box received from then on; all if None.
        actor: who asked.
        work: what it works with.

    Raises:
        ModelUnavailable, GraphRefused: it cannot be loaded, or not any more.
        RecordDamaged, StorageFault.
    """
    scoring = work.scoring
    scoring.predictor.ensure_loaded(
        version.graph_sha256, lambda: scoring.bundles.graph(version.digest)
    )
    withdrawn = withdrawals(scoring.inferences)
    work.audit.append(
        audited(AuditAction.MODEL_RESCORED, version.id, at=scoring.clock(), actor=actor)
    )
    for inference in scoring.inferences.each():
        if since is not None and inference.received_at < since:
            continue
        step = _state(inference, version, scoring, withdrawn)
        if step is None:
            if not work.may_go_on():
                return
            step = _scored(inference, version, actor=actor, work=work)
        yield inference.id, step


def _state(
    inference: Inference, version: ModelVersion, scoring: Scoring, withdrawn: Withdrawals
) -> Step | None:
    """Return why an inference is not to be scored; None if it is."""
    consent = scoring.inferences.consents(inference.id)[-1]
    if inference.purpose is not Purpose.INFERENCE or not withdrawn.allow(inference, consent):
        return Step.LEFT_OUT
    results = scoring.inferences.results(inference.id)
    states = {result.state for result in results if result.model_version_id == version.id}
    if states & {ResultState.QUEUED, ResultState.RUNNING}:
        return Step.WAITING  # the box's own worker has it: no answer yet
    return Step.KNOWN if states else None


def _scored(inference: Inference, version: ModelVersion, *, actor: str, work: Rescoring) -> Step:
    """Score one inference and store what was said; a run that failed is not stored."""
    scoring = work.scoring
    began_s = scoring.ticks()
    asked = pending_result(inference.id, version, shadow=True, new_id=work.new_id)
    answer = answer_of(asked, scoring)
    if answer.reason is Reason.MODEL_UNAVAILABLE:
        raise ModelUnavailable(graph_sha256=version.graph_sha256)
    if answer.error_code:
        return Step.FAILED
    latency_ms = round(1_000.0 * (scoring.ticks() - began_s), 1)
    result = _answered(asked, answer, at=scoring.clock(), latency_ms=latency_ms)
    entry = audited(
        AuditAction.RESULT_STORED,
        result.id,
        at=scoring.clock(),
        actor=actor,
        inference_id=inference.id,
        model_version=version.version,
        graph_sha256=version.graph_sha256,
        state=result.state.value,
    )
    stored = scoring.inferences.add_shadow(result, audit=entry)
    return Step.SCORED if stored is Stored.NEW else Step.KNOWN


def _answered(asked: Result, answer: Answer, *, at: datetime, latency_ms: float) -> Result:
    return replace(
        asked,
        state=ResultState.DONE,
        attempts=1,
        output=answer.output,
        probability=answer.probability,
        diagnosis=answer.diagnosis,
        reason=answer.reason,
        reason_subject=answer.reason_subject,
        computed_at=at,
        latency_ms=latency_ms,
    )
