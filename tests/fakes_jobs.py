"""Results as work, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from appliance.core.audit import AuditAction, AuditEntry, audited
from appliance.core.diagnosis import Diagnosis
from appliance.core.errors import (
    PredictionPoisonous,
)
from appliance.core.ids import InferenceId, ResultId
from appliance.core.inference import (
    Inference,
    InferenceStatus,
)
from appliance.core.result import CLOCK_SLACK, MAX_CRASHES_ALONE, Answer, Result, ResultState
from tests.fakes_audit import FakeAudit


@dataclass(slots=True, kw_only=True)
class _Work:
    """What a result carries as work to be done."""

    suspect: bool = False
    crashes_alone: int = 0
    owner: str | None = None
    claimed_at: datetime | None = None
    lease_until: datetime | None = None


class FakeJobs:
    """Results as work, in memory, in order of arrival."""

    def __init__(self, audit: FakeAudit) -> None:
        """Begin with nothing to do."""
        self._audit = audit
        self.results: dict[ResultId, Result] = {}
        self.inferences: dict[InferenceId, Inference] = {}
        self._work: dict[ResultId, _Work] = {}
        self._just_begun = False

    def add(self, result: Result) -> None:
        """Take in a result with its inference."""
        self.results[result.id] = result
        self._work[result.id] = _Work()

    def claim(
        self, result_id: ResultId | None, *, owner: str, now: datetime, lease_until: datetime
    ) -> Result | None:
        """See the port."""
        with self._audit.write(None):
            chosen = self._to_give(result_id)
            if chosen is None:
                return None
            self._work[chosen].owner = owner
            self._work[chosen].claimed_at = now
            self._work[chosen].lease_until = lease_until
            before = self.results[chosen]
            self.results[chosen] = replace(
                before, state=ResultState.RUNNING, attempts=before.attempts + 1
            )
            return self.results[chosen]

    def complete(
        self, result_id: ResultId, answer: Answer, *, owner: str, at: datetime, audit: AuditEntry
    ) -> bool:
        """See the port."""
        with self._audit.lock:
            if result_id not in self.results or self._work[result_id].owner != owner:
                return False
            with self._audit.write(audit):
                self._answer(result_id, answer, at)
            return True

    def release(self, *, owner: str, result_id: ResultId | None = None) -> int:
        """See the port."""
        with self._audit.write(None):
            mine = [r for r in self._in(ResultState.RUNNING) if self._work[r.id].owner == owner]
            given = [r for r in mine if result_id in {None, r.id}]
            for result in given:
                self._requeue(result, attempts=result.attempts - 1)
            return len(given)

    def reconcile(self, *, owner: str, now: datetime, starting: bool) -> tuple[ResultId, ...]:
        """See the port."""
        self._just_begun = starting
        with self._audit.write(None):
            for result in self._in(ResultState.RUNNING):
                work = self._work[result.id]
                if starting:
                    work.crashes_alone += work.suspect
                    work.suspect = True
                    self._take_up_again(result, work, owner=owner, now=now)
                elif _is_void(work, now):
                    self._requeue(result)
            queued = self._in(ResultState.QUEUED)
            return tuple(r.id for r in sorted(queued, key=lambda r: not self._work[r.id].suspect))

    def counts(self) -> Mapping[str, int]:
        """See the port."""
        found = Counter(result.state.value for result in self.results.values())
        return {state.value: found[state.value] for state in ResultState}

    def _in(self, state: ResultState) -> list[Result]:
        return [result for result in self.results.values() if result.state is state]

    def _to_give(self, result_id: ResultId | None) -> ResultId | None:
        running = [result.id for result in self._in(ResultState.RUNNING)]
        queued = [
            result.id
            for result in self._in(ResultState.QUEUED)
            if not (self._just_begun and self._work[result.id].crashes_alone)
        ]
        suspects = [waiting for waiting in queued if self._work[waiting].suspect]
        if any(self._work[busy].suspect for busy in running) or (suspects and running):
            return None
        candidates = sorted(suspects or queued, key=lambda waiting: self.results[waiting].shadow)
        if result_id is not None:
            return result_id if result_id in candidates else None
        return candidates[0] if candidates else None

    def _requeue(self, result: Result, *, attempts: int | None = None) -> None:
        work = self._work[result.id]
        work.owner = work.claimed_at = work.lease_until = None
        attempts = result.attempts if attempts is None else attempts
        self.results[result.id] = replace(result, state=ResultState.QUEUED, attempts=attempts)

    def _take_up_again(self, result: Result, work: _Work, *, owner: str, now: datetime) -> None:
        if work.crashes_alone < MAX_CRASHES_ALONE:
            self._requeue(result)
            return
        code = PredictionPoisonous.code
        answer = Answer(diagnosis=Diagnosis.INCONCLUSIVE, error_code=code, latency_ms=0.0)
        self._answer(result.id, answer, now)
        self._audit.append(
            audited(
                AuditAction.RESULT_STORED,
                result.id,
                at=now,
                actor="box",
                inference_id=result.inference_id,
                state=answer.state.value,
                error_code=code,
                owner=owner,
            )
        )

    def _answer(self, result_id: ResultId, answer: Answer, at: datetime) -> None:
        self._work[result_id].owner = None
        result = self.results[result_id] = replace(
            self.results[result_id],
            state=answer.state,
            output=answer.output,
            probability=answer.probability,
            diagnosis=answer.diagnosis,
            reason=answer.reason,
            reason_subject=answer.reason_subject,
            error_code=answer.error_code,
            computed_at=at,
            latency_ms=answer.latency_ms,
        )
        inference = self.inferences[result.inference_id]
        self.inferences[inference.id] = settled(inference, [result])


def _is_void(work: _Work, now: datetime) -> bool:
    """Return whether a claim ran out, or is of a time that has not come yet."""
    if work.claimed_at is None or work.lease_until is None:
        return False
    return work.lease_until < now or work.claimed_at > now + CLOCK_SLACK


def settled(inference: Inference, results: Sequence[Result]) -> Inference:
    """Return the inference with the status its requested model's answer gives it."""
    for result in results:
        if not result.shadow and result.diagnosis is not None:
            failed = result.state is ResultState.ERROR
            return replace(
                inference,
                status=InferenceStatus.ERROR if failed else InferenceStatus.COMPLETED,
                diagnosis=result.diagnosis,
                reason=result.reason,
            )
    return inference
