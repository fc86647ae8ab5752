"""Inferences in memory."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter

from appliance.core.audit import AuditAction, AuditEntry
from appliance.core.errors import (
    ConsentRequired,
    ContentConflict,
    FieldError,
    InferenceNotFound,
    InvalidRequest,
    RecordingsMissing,
)
from appliance.core.ids import InferenceId, RecordingId, ResultId, Sha256, UserId
from appliance.core.inference import (
    Consent,
    ConsentDecision,
    Inference,
    InferencePage,
    InferenceQuery,
    Settled,
    SortKey,
)
from appliance.core.result import Result
from appliance.ports import Stored
from tests.fakes_audit import FakeAudit
from tests.fakes_documents import FakeRecordings
from tests.fakes_jobs import FakeJobs, settled


class FakeInferences:
    """Inferences in memory, in the order received."""

    def __init__(self, audit: FakeAudit, recordings: FakeRecordings, jobs: FakeJobs) -> None:
        """Begin without inferences."""
        self._audit = audit
        self._recordings = recordings
        self._jobs = jobs
        self._consents: dict[InferenceId, list[Consent]] = {}
        self._refused: dict[InferenceId, set[Sha256]] = {}

    def add_inference(
        self,
        inference: Inference,
        results: Sequence[Result],
        *,
        audit: AuditEntry,
    ) -> Stored:
        """See the port."""
        with self._audit.lock:
            known = self._jobs.inferences.get(inference.id)
            if known is not None:
                if _content(known) != _content(inference):
                    raise ContentConflict(inference_id=inference.id)
                return Stored.SAME
            self._check_attachable(inference)
            with self._audit.write(audit):
                self._store(inference, results)
            return Stored.NEW

    def add_shadow(self, result: Result, *, audit: AuditEntry) -> Stored:
        """See the port."""
        self.inference(result.inference_id)
        with self._audit.lock:
            known = self.results(result.inference_id)
            if any(one.model_version_id == result.model_version_id for one in known):
                return Stored.SAME
            with self._audit.write(audit):
                self._jobs.add(result)
            return Stored.NEW

    def add_refusal(
        self,
        refusal: Inference,
        named: Sequence[RecordingId],
        *,
        audit: Callable[[Sequence[RecordingId]], Sequence[AuditEntry]],
    ) -> Stored:
        """See the port."""
        with self._audit.write(None):
            known = self._jobs.inferences.get(refusal.id)
            if known is not None:
                if _content(known) != _content(refusal):
                    raise ContentConflict(inference_id=refusal.id)
                return Stored.SAME
            self._store(refusal, ())
            for entry in audit(self._erase(refusal, named)):
                self._audit.append(entry)
            return Stored.NEW

    def refused_content(self, inference_id: InferenceId) -> tuple[Sha256, ...]:
        """See the port."""
        return tuple(sorted(self._refused.get(inference_id, ())))

    def inference(self, inference_id: InferenceId) -> Inference:
        """See the port."""
        if inference_id not in self._jobs.inferences:
            raise InferenceNotFound(inference_id=inference_id)
        return self._jobs.inferences[inference_id]

    def find(self, query: InferenceQuery) -> InferencePage:
        """See the port."""
        found = [i for i in self._jobs.inferences.values() if _fits(i, query)]
        found.sort(key=lambda i: (_sorted_value(i, query.sort), i.id), reverse=query.descending)
        if query.after is not None:
            found = self._beyond(found, query)
        page = found[: query.limit]
        more = len(found) > len(page) and bool(page)
        return InferencePage(
            inferences=tuple(page), next=_cursor(query, page[-1]) if more else None
        )

    def results(self, inference_id: InferenceId) -> tuple[Result, ...]:
        """See the port."""
        asked = [r for r in self._jobs.results.values() if r.inference_id == inference_id]
        return tuple(sorted(asked, key=attrgetter("shadow", "model_name")))

    def settled(self, user_id: UserId, *, after: int, n_most: int = 100) -> tuple[Settled, ...]:
        """See the port."""
        found = []
        for row in self._audit.rows(after=after):
            result = self._jobs.results.get(ResultId(row.entry.entity_id))
            if row.entry.action != AuditAction.RESULT_STORED or result is None or result.shadow:
                continue
            inference = self._jobs.inferences[result.inference_id]
            if inference.user_id == user_id:
                found.append(
                    Settled(seq=row.seq, inference_id=inference.id, status=inference.status)
                )
        return tuple(found[:n_most])

    def mark_shown(self, inference_id: InferenceId, *, at: datetime) -> None:
        """See the port."""
        with self._audit.write(None):
            known = self._jobs.inferences.get(inference_id)
            if known is not None and known.first_shown_at is None:
                self._jobs.inferences[inference_id] = replace(known, first_shown_at=at)

    def disagree(self, inference_id: InferenceId, *, at: datetime, audit: AuditEntry) -> None:
        """See the port."""
        known = self.inference(inference_id)
        if known.disagreed_at is None:
            with self._audit.write(audit):
                self._jobs.inferences[inference_id] = replace(known, disagreed_at=at)

    def add_consent(
        self, inference_id: InferenceId, consent: Consent, *, audit: AuditEntry
    ) -> None:
        """See the port."""
        self.inference(inference_id)
        with self._audit.write(audit):
            self._consents[inference_id].append(consent)

    def consents(self, inference_id: InferenceId) -> tuple[Consent, ...]:
        """See the port."""
        return tuple(self._consents.get(inference_id, ()))

    def withdrawn(self) -> Iterator[tuple[Inference, Consent]]:
        """See the port."""
        for inference_id, consents in self._consents.items():
            if consents[-1].decision is ConsentDecision.WITHDRAWN:
                yield self._jobs.inferences[inference_id], consents[-1]

    def each(self, *, n_page: int = 500) -> Iterator[Inference]:
        """See the port."""
        ids = list(self._jobs.inferences)
        for start in range(0, len(ids), n_page):
            yield from [self._jobs.inferences[asked] for asked in ids[start : start + n_page]]

    def _check_attachable(self, inference: Inference) -> None:
        if inference.attachments and not inference.consent.decision.allows_recordings:
            raise ConsentRequired(inference_id=inference.id)
        ids = {attachment.recording_id for attachment in inference.attachments}
        missing = tuple(sorted(ids - self._recordings.stored.keys()))
        if missing:
            raise RecordingsMissing(missing=missing)
        for taken in sorted(ids & self._recordings.attached):
            raise ContentConflict(recording_id=taken)

    def _erase(self, refusal: Inference, named: Sequence[RecordingId]) -> list[RecordingId]:
        erased = []
        for recording_id in dict.fromkeys(named):
            self._recordings.refused.add((recording_id, refusal.user_id))
            known = self._recordings.stored.get(recording_id)
            if known is None or known.user_id != refusal.user_id:
                continue
            if recording_id not in self._recordings.attached:
                del self._recordings.stored[recording_id]
                self._refused.setdefault(refusal.id, set()).add(known.sha256)
                erased.append(recording_id)
        return erased

    def _store(self, inference: Inference, results: Sequence[Result]) -> None:
        self._jobs.inferences[inference.id] = settled(inference, results)
        self._consents[inference.id] = [inference.consent]
        self._recordings.attached |= {a.recording_id for a in inference.attachments}
        for result in results:
            self._jobs.add(result)

    def _beyond(self, found: list[Inference], query: InferenceQuery) -> list[Inference]:
        """Return what follows the place of the cursor, which itself may not fit any more."""
        for last in self._jobs.inferences.values():
            if _cursor(query, last) == query.after and _is_of(last, query):
                place = (_sorted_value(last, query.sort), last.id)
                return [i for i in found if _is_beyond(i, place, query)]
        raise InvalidRequest(
            errors=(FieldError(field="after", code="cursor", message="not a cursor of this list"),)
        )


def _content(inference: Inference) -> tuple[str, str]:
    return inference.user_id, inference.content_sha256


def _sorted_value(inference: Inference, sort: SortKey) -> str | datetime:
    if sort is SortKey.CREATED_IN:
        return inference.captured_at
    if sort in {SortKey.LOCAL, SortKey.RGH}:
        return str(inference.form.get(sort.value) or "")
    return str(getattr(inference, sort.value) or "")


def _is_beyond(
    inference: Inference, place: tuple[str | datetime, str], query: InferenceQuery
) -> bool:
    here = (_sorted_value(inference, query.sort), inference.id)
    return (here < place) if query.descending else (here > place)


def _cursor(query: InferenceQuery, inference: Inference) -> str:
    text = f"{query.sort.value} {query.descending} {inference.id}"
    return base64.urlsafe_b64encode(text.encode()).decode()


def _is_of(inference: Inference, query: InferenceQuery) -> bool:
    user = query.user_id in {None, inference.user_id}
    return user and query.hospital_id in {None, inference.hospital_id}


def _fits(inference: Inference, query: InferenceQuery) -> bool:
    form = inference.form
    asked: list[tuple[object, object]] = [
        (query.user_id, inference.user_id),
        (query.hospital_id, inference.hospital_id),
        (query.status, inference.status),
        (query.diagnosis, inference.diagnosis),
        (query.model_id, inference.model_id),
        (query.local, form.get("local")),
        (query.purpose, inference.purpose),
    ]
    after = query.captured_from is None or inference.captured_at >= query.captured_from
    after &= query.received_from is None or inference.received_at >= query.received_from
    before = query.captured_to is None or inference.captured_at <= query.captured_to
    prefix = str(form.get("rgh") or "").startswith(query.rgh_prefix or "")
    return after and before and prefix and all(want in {None, have} for want, have in asked)
