"""Compute one result: claim it, look whether it can be scored, score it, write it down.

A result is always written: a recording that cannot be scored is `inconclusive` with its
reason, a run that cannot be completed is an error with its code. Nothing is ever dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from appliance.core.audit import AuditAction, audited
from appliance.core.diagnosis import Diagnosis, Reason, decide_before_run, diagnose
from appliance.core.errors import (
    AudioDamaged,
    AudioMissing,
    ModelFault,
    ModelUnavailable,
    RecordDamaged,
)
from appliance.core.ids import ResultId
from appliance.core.inference import Attachment, Inference
from appliance.core.manifest_json import parse_manifest
from appliance.core.model import ModelVersion
from appliance.core.model_inputs import build_inputs
from appliance.core.quality import Verdict
from appliance.core.result import Answer, Result
from appliance.core.scores import Scores
from appliance.core.wav import read_wav
from appliance.ports import (
    AudioStore,
    BundleStore,
    Clock,
    InferenceRecords,
    JobRecords,
    ModelRecords,
    Predictor,
    RecordingRecords,
    Ticks,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """What a prediction needs besides the job itself.

    Attributes:
        owner: this process and boot; a claim of another owner is never completed.
        timeout_s: a run of a graph is ended after this.
        lease_s: a claim older than this may be taken again; well above `timeout_s`.
    """

    owner: str
    timeout_s: float
    lease_s: float
    clock: Clock
    ticks: Ticks
    jobs: JobRecords
    inferences: InferenceRecords
    recordings: RecordingRecords
    models: ModelRecords
    audio: AudioStore
    bundles: BundleStore
    predictor: Predictor


def predict_next(result_id: ResultId | None, *, scoring: Scoring) -> Result | None:
    """Claim this result, or the next one, and compute it.

    Returns:
        The result as it was claimed, or None when there was nothing to claim.

    Raises:
        StorageFault: the answer could not be written; the claim runs out and is taken again.
    """
    began_s = scoring.ticks()
    claimed = claim(result_id, scoring=scoring)
    if claimed is not None:
        predict_claimed(claimed, began_s=began_s, scoring=scoring)
    return claimed


def claim(result_id: ResultId | None, *, scoring: Scoring) -> Result | None:
    """Return this result, or the next one, leased to this owner; None if there is none now."""
    now = scoring.clock()
    return scoring.jobs.claim(
        result_id,
        owner=scoring.owner,
        now=now,
        lease_until=now + timedelta(seconds=scoring.lease_s),
    )


def predict_claimed(claimed: Result, *, began_s: float, scoring: Scoring) -> None:
    """Compute what was claimed and write the answer.

    Raises:
        StorageFault: as `predict_next`.
    """
    write_answer(claimed, answer_of(claimed, scoring), began_s=began_s, scoring=scoring)


def write_answer(claimed: Result, answer: Answer, *, began_s: float, scoring: Scoring) -> bool:
    """Write the answer with its latency, whatever became of the clock; False if the claim is void.

    Args:
        began_s: when the claim was made, by `scoring.ticks`.
    """
    at = scoring.clock()
    latency_ms = 1_000.0 * (scoring.ticks() - began_s)
    return scoring.jobs.complete(
        claimed.id,
        replace(answer, latency_ms=round(latency_ms, 1)),
        owner=scoring.owner,
        at=at,
        audit=audited(
            AuditAction.RESULT_STORED,
            claimed.id,
            at=at,
            actor="box",
            inference_id=claimed.inference_id,
            model_version=claimed.model_version,
            graph_sha256=claimed.graph_sha256,
            state=answer.state.value,
        ),
    )


def failed(code: str) -> Answer:
    """Return the answer of a run that could not be completed."""
    return Answer(diagnosis=Diagnosis.INCONCLUSIVE, error_code=code)


def answer_of(result: Result, scoring: Scoring) -> Answer:
    """Return what the version of a result says, whatever befalls it or the recordings.

    Nothing is claimed and nothing written.
    """
    try:
        return _scored(result, scoring)
    except ModelUnavailable:
        return _inconclusive(Reason.MODEL_UNAVAILABLE, None)
    except (ModelFault, AudioMissing, AudioDamaged, RecordDamaged) as fault:
        return failed(fault.code)


def _scored(claimed: Result, scoring: Scoring) -> Answer:
    if claimed.model_version_id is None:
        raise ModelUnavailable(result_id=claimed.id)
    inference = scoring.inferences.inference(claimed.inference_id)
    version = scoring.models.version(claimed.model_version_id)
    manifest = parse_manifest(version.manifest)
    usable = _usable(inference)
    decided = decide_before_run(
        manifest,
        protocol_id=inference.protocol_id,
        form=inference.form,
        verdicts={role: a.verdict.value for role, a in _chosen(inference).items()},
        not_done=inference.not_done,
        language=inference.consent.language,
    )
    if decided is not None:
        return _inconclusive(*decided)
    waveforms = {
        role: _waveform(attachment, scoring)
        for role, attachment in usable.items()
        if role in {entry.role for entry in manifest.roles}
    }
    scores = _run(version, build_inputs(manifest, waveforms, inference.form), scoring)
    diagnosis, reason = diagnose(scores.probability, manifest.t_low, manifest.t_high)
    return Answer(
        diagnosis=diagnosis,
        reason=reason,
        probability=scores.probability,
        output=scores.raw_output or (scores.probability,),
    )


def _run(
    version: ModelVersion, inputs: Mapping[str, NDArray[np.float32]], scoring: Scoring
) -> Scores:
    """Score; a graph unloaded in between, while versions were switched, is loaded once more."""

    def loaded() -> None:
        scoring.predictor.ensure_loaded(
            version.graph_sha256, lambda: scoring.bundles.graph(version.digest)
        )

    loaded()
    try:
        return scoring.predictor.score(version.graph_sha256, inputs, timeout_s=scoring.timeout_s)
    except ModelUnavailable:
        loaded()
        return scoring.predictor.score(version.graph_sha256, inputs, timeout_s=scoring.timeout_s)


def _chosen(inference: Inference) -> Mapping[str, Attachment]:
    return {a.role: a for a in inference.attachments if a.chosen}


def _usable(inference: Inference) -> Mapping[str, Attachment]:
    """Return the recordings a model may hear: chosen and not failed (PROTOCOL.md, Quality)."""
    return {r: a for r, a in _chosen(inference).items() if a.verdict is not Verdict.FAIL}


def _waveform(attachment: Attachment, scoring: Scoring) -> tuple[NDArray[np.float32], int]:
    """Return float32[n_samples] at the recording's own rate, and that rate in Hz."""
    recording = scoring.recordings.recording(attachment.recording_id)
    wav = read_wav(scoring.audio.read(recording.sha256))
    return wav.waveform(), wav.sample_rate_hz


def _inconclusive(reason: Reason, subject: str | None) -> Answer:
    return Answer(diagnosis=Diagnosis.INCONCLUSIVE, reason=reason, reason_subject=subject)
