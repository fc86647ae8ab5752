"""What one model version said of one inference, and where that stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from appliance.core.diagnosis import Diagnosis, Reason
from appliance.core.ids import InferenceId, ModelId, ModelVersionId, ResultId

MAX_CRASHES_ALONE = 3
"""After so many crashes of the process while running alone, a result is poison (DESIGN.md §3)."""

CLOCK_SLACK = timedelta(minutes=1)
"""A claim further in the future was made before the clock went back: its lease says nothing."""


class ResultState(StrEnum):
    """Queued, claimed by a worker, answered, or given up."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One row per (inference, model version), made with the inference and filled once.

    Attributes:
        model_version_id: fixed when the inference is accepted; None if none could be had.
        shadow: scored without being shown to nurses.
        attempts: how often a worker began; counted before each run.
        output: the model's raw output, or (probability,); empty when there was no run.
        reason_subject: the role or field the reason is about.
        error_code: the error leaf's code when the state is `error`.
        latency_ms: from claim to answer.
    """

    id: ResultId
    inference_id: InferenceId
    model_id: ModelId
    model_name: str
    model_version_id: ModelVersionId | None
    model_version: str | None
    graph_sha256: str | None
    t_low: float | None
    t_high: float | None
    demonstration: bool
    shadow: bool
    state: ResultState
    attempts: int = 0
    output: tuple[float, ...] = ()
    probability: float | None = None
    diagnosis: Diagnosis | None = None
    reason: Reason | None = None
    reason_subject: str | None = None
    error_code: str | None = None
    computed_at: datetime | None = None
    latency_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a worker has to say of a result it claimed: the one thing written back.

    Either a diagnosis (with or without a run) or an error code; then the diagnosis is
    inconclusive and there is no output (BUNDLE.md, Results).
    """

    diagnosis: Diagnosis
    reason: Reason | None = None
    reason_subject: str | None = None
    probability: float | None = None
    output: tuple[float, ...] = ()
    error_code: str | None = None
    latency_ms: float = 0.0

    @property
    def state(self) -> ResultState:
        """The state this answer leads to."""
        return ResultState.ERROR if self.error_code else ResultState.DONE
