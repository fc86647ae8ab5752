"""Accept an inference: everything is judged, then one transaction holds it all.

The queue is told after that; should it forget, `reconcile` remembers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.core.audit import AuditAction, AuditEntry, audited
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
    if request.consent.decision is ConsentDecision.REFUSED:
        refusal, stored = (
            (known, Stored.SAME)
            if known
            else _store_refusal(request, actor=actor, clock=clock, new_id=new_id, records=records)
        )
        _erase_refused_files(refusal, records, audio)
        return refusal, stored
    if known is not None:
        return known, Stored.SAME
    inference, results = _judged(request, clock=clock, new_id=new_id, records=records)
    stored = records.inferences.add_inference(
        inference, results, audit=_stored_entry(inference, n_erased=0, actor=actor)
    )
    for result in results:
        if result.state is ResultState.QUEUED:
            queue.wake(result.id)
    return records.inferences.inference(inference.id), stored


def _judged(
    request: InferenceRequest, *, clock: Clock, new_id: NewId, records: SubmissionRecords
) -> tuple[Inference, tuple[Result, ...]]:
    """Return what is to be stored of a request that nobody refused."""
    return judged_inference(
        request,
        parsed(_installed(request, records.protocols)),
        now=clock(),
        new_id=new_id,
        hospitals=records.hospitals.hospitals(),
        recordings=records.recordings,
        models=records.models,
    )


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


def _stored_entry(inference: Inference, *, n_erased: int, actor: str) -> AuditEntry:
    return audited(
        AuditAction.INFERENCE_STORED,
        inference.id,
        at=inference.received_at,
        actor=actor,
        purpose=inference.purpose.value,
        consent=inference.consent.decision.value,
        n_recordings=len(inference.attachments),
        n_erased=n_erased,
    )


def _store_refusal(
    request: InferenceRequest,
    *,
    actor: str,
    clock: Clock,
    new_id: NewId,
    records: SubmissionRecords,
) -> tuple[Inference, Stored]:
    """Keep that consent was refused, and nothing else; what it names is never taken in again."""
    installed = _installed(request, records.protocols)
    refusal = refused_inference(request, installed, now=clock(), new_id=new_id)
    stored = records.inferences.add_refusal(
        refusal,
        [attachment.recording_id for attachment in request.attachments],
        audit=lambda erased: _refusal_entries(refusal, erased, actor=actor),
    )
    return records.inferences.inference(refusal.id), stored


def _refusal_entries(
    refusal: Inference, erased: Sequence[RecordingId], *, actor: str
) -> list[AuditEntry]:
    """Return what a refusal says: one row a recording that is gone, and its own."""
    at = refusal.received_at
    rows = [
        audited(
            AuditAction.RECORDING_ERASED,
            recording_id,
            at=at,
            actor=actor,
            inference_id=refusal.id,
        )
        for recording_id in erased
    ]
    return [*rows, _stored_entry(refusal, n_erased=len(erased), actor=actor)]


def _erase_refused_files(refusal: Inference, records: SubmissionRecords, audio: AudioStore) -> None:
    """Remove the files of a refusal; a repeat does what a crash kept the first from doing."""
    for sha256 in records.inferences.refused_content(refusal.id):
        erase_unreferenced(sha256, audio=audio, recordings=records.recordings)
