"""Take visits of elsewhere in: looked at whole before the first is stored, and stored like all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from appliance.core.audit import AuditAction, audited
from appliance.core.errors import (
    FieldError,
    InferenceNotFound,
    InvalidRequest,
    ProtocolNotFound,
    Refused,
)
from appliance.core.ids import InferenceId, Sha256
from appliance.core.import_visit import FILE_PATH, Visit
from appliance.core.tablet import TabletState
from appliance.core.wav import read_wav
from appliance.ports import AudioStore, AuditRecords, Clock, JobQueue, NewId, TabletRecords
from appliance.usecases.import_ready import Ready, Wanted, ready_visit
from appliance.usecases.import_sources import Read, Source
from appliance.usecases.judge import judged_words
from appliance.usecases.record import RecordingRequest, take_in_recording
from appliance.usecases.submit import SubmissionRecords, submit_inference

MAX_FAULTS: Final = 50
"""Told at once; whoever has more mends these first."""


@dataclass(slots=True, kw_only=True)
class ImportCounts:
    """What became of the visits.

    Attributes:
        n_inferences, n_recordings: stored now.
        n_here: were here before.
        n_rejected: left out because the list of rejects names them.
    """

    n_inferences: int = 0
    n_recordings: int = 0
    n_here: int = 0
    n_rejected: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportBox:
    """Where an import is stored."""

    records: SubmissionRecords
    tablets: TabletRecords
    audit: AuditRecords
    audio: AudioStore
    queue: JobQueue
    clock: Clock
    new_id: NewId


def import_visits(
    source: Source,
    wanted: Wanted,
    *,
    actor: str,
    progress: Callable[[str], None],
    box: ImportBox,
) -> ImportCounts:
    """Store every visit that is not here yet; may be broken off and called again.

    Each visit is a transaction of its own. Ids are those of the source, or made from the sounds,
    so that the same visit is never here twice.

    Args:
        source: is read twice: whole before anything is stored.
        actor: who imports, for the audit.
        progress: told what is being done, from time to time.

    Raises:
        InvalidRequest: `errors` name each row and column at fault, and nothing was stored.
    """
    if any(one.state is not TabletState.REVOKED for one in box.tablets.tablets()):
        message = "has tablets: patients are seen here; import into a box of its own"
        raise _refused((FieldError(field="box", code="tablets", message=message),))
    faults: list[FieldError] = []
    seen: set[InferenceId] = set()
    for number, visit in enumerate(_wanted(source.visits(), wanted.rejected), start=1):
        faults += _faults(visit, seen, source.root, wanted, box)
        if len(faults) >= MAX_FAULTS:
            break
        progress(f"looked at {number}")
    if faults:
        raise _refused(faults[:MAX_FAULTS])
    counts = ImportCounts()
    for visit in source.visits():
        if isinstance(visit, InvalidRequest):
            raise visit
        if visit.name in wanted.rejected:
            counts.n_rejected += 1
        else:
            ready = ready_visit(visit, source.root, wanted, box.records.protocols)
            _store(ready, counts, actor=actor, box=box)
        progress(f"{counts.n_inferences} stored")
    _note(source, wanted, counts, actor=actor, box=box)
    return counts


def _wanted(visits: Read, rejected: frozenset[str]) -> Read:
    return (one for one in visits if isinstance(one, InvalidRequest) or one.name not in rejected)


def _faults(
    visit: Visit | InvalidRequest,
    seen: set[InferenceId],
    root: Path,
    wanted: Wanted,
    box: ImportBox,
) -> Iterator[FieldError]:
    """Yield what keeps a visit from being stored."""
    if isinstance(visit, InvalidRequest):
        yield from visit.errors
        return
    try:
        ready = ready_visit(visit, root, wanted, box.records.protocols)
        for content in ready.contents.values():
            read_wav(content)
        hospitals = box.records.hospitals.hospitals()
        judged_words(ready.request, ready.protocol, new_id=box.new_id, hospitals=hospitals)
    except Refused as error:
        bare = (FieldError(field=visit.name, code=error.code, message=str(error)),)
        for one in error.errors or bare:
            yield replace(one, field=f"{visit.place}, {one.field}")
        return
    except ProtocolNotFound as error:
        message = "is not installed here: spira protocols install"
        yield FieldError(field=f"{visit.place}, protocol", code=error.code, message=message)
        return
    yield from _clashes(visit, ready, seen, box)


def _clashes(
    visit: Visit, ready: Ready, seen: set[InferenceId], box: ImportBox
) -> Iterator[FieldError]:
    """Yield where a visit does not fit the protocol's roles, this box or another line."""
    roles = {task.role for task in ready.protocol.recordings}
    for role in sorted({sound.role for sound in visit.sounds} - roles):
        message = f"{role!a} is no recording of the protocol"
        yield FieldError(field=f"{visit.place}, role", code="enum", message=message)
    known = _known(ready.request.id, box)
    if known is not None and known != ready.request.content_sha256:
        message = "is here already with other answers, sounds or options"
        yield FieldError(field=f"{visit.place}, id", code="conflict", message=message)
    if visit.id is None:
        if ready.request.id in seen:
            message = "is the same sound as that of a line above"
            yield FieldError(field=f"{visit.place}, {FILE_PATH}", code="duplicate", message=message)
        seen.add(ready.request.id)


def _known(inference_id: InferenceId, box: ImportBox) -> Sha256 | None:
    """Return the digest of what is here under this id."""
    try:
        return box.records.inferences.inference(inference_id).content_sha256
    except InferenceNotFound:
        return None


def _store(ready: Ready, counts: ImportCounts, *, actor: str, box: ImportBox) -> None:
    request = ready.request
    if _known(request.id, box) is not None:
        counts.n_here += 1
        return
    roles = {place.recording_id: place.role for place in request.attachments}
    for recording_id, content in ready.contents.items():
        part = box.audio.begin()
        part.write(content)
        take_in_recording(
            RecordingRequest(
                id=recording_id,
                user_id=request.user_id,
                role=roles[recording_id],
                protocol_id=request.protocol_id,
                declared_sha256=None,
            ),
            part,
            actor=actor,
            clock=box.clock,
            protocols=box.records.protocols,
            recordings=box.records.recordings,
            audio=box.audio,
        )
    submit_inference(
        request,
        actor=actor,
        clock=box.clock,
        new_id=box.new_id,
        records=box.records,
        audio=box.audio,
        queue=box.queue,
    )
    counts.n_inferences += 1
    counts.n_recordings += len(ready.contents)


def _note(
    source: Source, wanted: Wanted, counts: ImportCounts, *, actor: str, box: ImportBox
) -> None:
    """Let the audit know what came from where."""
    entry = audited(
        AuditAction.IMPORTED,
        box.new_id(),
        at=box.clock(),
        actor=actor,
        sha256=source.sha256,
        purpose=wanted.purpose.value,
        **asdict(counts),
    )
    box.audit.append(entry)


def _refused(faults: Iterable[FieldError]) -> InvalidRequest:
    return InvalidRequest("Nothing was imported.", errors=tuple(faults))
