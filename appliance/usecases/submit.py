"""Accept an inference: everything is judged, then one transaction holds it all.

The queue is told after that; should it forget, `reconcile` remembers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.core.audit import AuditAction, audited
from appliance.core.errors import ContentConflict, InferenceNotFound
from appliance.core.ids import RecordingId
from appliance.core.inference import ConsentDecision, Inference
from appliance.core.installed_protocol import InstalledProtocol
from appliance.core.result import Result, ResultState
from appliance.core.submission import InferenceRequest
from appliance.ports import (
    AudioStore,
    Clock,
    HospitalRecords,
    InferenceRecords,
    JobQueue,
    ModelRecords,
    NewId,
    ProtocolRecords,
    RecordingRecords,
    Stored,
)
from appliance.usecases.housekeeping import erase_unreferenced
from appliance.usecases.judge import judged_inference, refused_inference
from appliance.usecases.protocols import parsed


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionRecords:
    """The records a submission reads and writes."""

    protocols: ProtocolRecords
    hospitals: HospitalRecords
    models: ModelRecords
    recordings: RecordingRecords
    inferences: InferenceRecords


def submit_inference(
    request: InferenceRequest,
    *,
    actor: str,
    clock: Clock,
    new_id: NewId,
    records: SubmissionRecords,
    audio: AudioStore,
    queue: JobQueue,
) -> tuple[Inference, Stored]:
    """Store an inference with its pending results, then wake the worker.

    May be called again with the same request: the first answer stands.

    Args:
        request: what is asked, for its user.
        actor: who asks, for the audit: that user, or the console.

    Returns:
        The stored inference, and whether it was here before.

    Raises:
        ContentConflict: the id is here with other content.
        ProtocolNotFound, InvalidRequest, InvalidForm, RecordingsMissing, ConsentRequired:
            what the client must mend.
        ModelNotFound, ModelNotReady: the model was never here, or waits for its first bundle.
    """
    known = _known(request, records.inferences)
    if known is not None:
        return known, Stored.SAME
    if request.consent.decision is ConsentDecision.REFUSED:
        return _store_refusal(
            request, actor=actor, clock=clock, new_id=new_id, records=records, audio=audio
        )
    installed = _installed(request, records.protocols)
    inference, results = judged_inference(
        request,
        parsed(installed),
        now=clock(),
        new_id=new_id,
        hospitals=records.hospitals.hospitals(),
        recordings=records.recordings,
        models=records.models,
    )
    stored = _store(inference, results, (), records.inferences, actor=actor)
    for result in results:
        if result.state is ResultState.QUEUED:
            queue.wake(result.id)
    return records.inferences.inference(inference.id), stored


def _installed(request: InferenceRequest, protocols: ProtocolRecords) -> InstalledProtocol:
    """Return the protocol a request names, or the active one."""
    if request.protocol_id:
        return protocols.protocol(request.protocol_id)
    return protocols.active_protocol()


def _known(request: InferenceRequest, inferences: InferenceRecords) -> Inference | None:
    """Return the inference of an earlier, equal request."""
    try:
        known = inferences.inference(request.id)
    except InferenceNotFound:
        return None
    if known.user_id != request.user_id or known.content_sha256 != request.content_sha256:
        raise ContentConflict(inference_id=request.id)
    return known


def _store(
    inference: Inference,
    results: Sequence[Result],
    erase: Sequence[RecordingId],
    inferences: InferenceRecords,
    *,
    actor: str,
) -> Stored:
    return inferences.add_inference(
        inference,
        results,
        erase=erase,
        audit=audited(
            AuditAction.INFERENCE_STORED,
            inference.id,
            at=inference.received_at,
            actor=actor,
            purpose=inference.purpose.value,
            consent=inference.consent.decision.value,
            n_recordings=len(inference.attachments),
            n_erased=len(erase),
        ),
    )


def _store_refusal(
    request: InferenceRequest,
    *,
    actor: str,
    clock: Clock,
    new_id: NewId,
    records: SubmissionRecords,
    audio: AudioStore,
) -> tuple[Inference, Stored]:
    """Keep that consent was refused, and nothing else: what was sent is erased."""
    installed = _installed(request, records.protocols)
    inference = refused_inference(request, installed, now=clock(), new_id=new_id)
    sent = records.recordings.recordings([a.recording_id for a in request.attachments])
    own = [recording for recording in sent if recording.user_id == request.user_id]
    stored = _store(
        inference, (), [recording.id for recording in own], records.inferences, actor=actor
    )
    for recording in own:
        erase_unreferenced(recording.sha256, audio=audio, recordings=records.recordings)
    return records.inferences.inference(inference.id), stored
