"""Turn a request into an inference: form, consent, recordings and model, each judged once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from appliance.core.errors import ConsentRequired, FieldError, InvalidRequest
from appliance.core.form import read_legacy_form, validate_form
from appliance.core.hospital import Hospital
from appliance.core.ids import ConsentId, ProtocolId, Sha256
from appliance.core.inference import (
    TEST,
    Consent,
    ConsentDecision,
    Inference,
    InferenceStatus,
    Purpose,
)
from appliance.core.installed_protocol import InstalledProtocol
from appliance.core.protocol import Protocol
from appliance.core.protocol_schema import ABSENT_REASON_SUFFIX
from appliance.core.result import Result, ResultState
from appliance.core.rgh import RghCheck, check
from appliance.core.submission import InferenceRequest
from appliance.ports import ModelRecords, NewId, RecordingRecords
from appliance.usecases.attach import attachments
from appliance.usecases.choose_model import choose_model, pending_results


def judged_inference(
    request: InferenceRequest,
    protocol: Protocol,
    *,
    now: datetime,
    new_id: NewId,
    hospitals: Sequence[Hospital],
    recordings: RecordingRecords,
    models: ModelRecords,
) -> tuple[Inference, tuple[Result, ...]]:
    """Return the inference to store, and its results: pending, or already unavailable.

    Raises:
        InvalidRequest, InvalidForm, RecordingsMissing, ConsentRequired, ModelNotFound,
        ModelNotReady.
    """
    form, consent = judged_words(request, protocol, new_id=new_id, hospitals=hospitals)
    attached = attachments(request, protocol, recordings)
    model = None
    results: tuple[Result, ...] = ()
    if request.purpose is Purpose.INFERENCE:
        model = choose_model(request.model_id, models)
        results = pending_results(request.id, model, models.versions(), new_id=new_id)
        if model.active and model.active.demonstration and "sample_type" in form:
            # A demonstration model's results are never data about patients (PROTOCOL.md).
            form = {**form, "sample_type": TEST}
            form.pop("sample_type" + ABSENT_REASON_SUFFIX, None)
    hospital = next((h for h in hospitals if form.get("local") in h.names), None)
    inference = replace(
        _bare(request, protocol.id, protocol.sha256, consent, now=now),
        status=_status(results),
        model_id=model.id if model else None,
        model_name=model.name if model else None,
        hospital_id=hospital.id if hospital else None,
        form=form,
        rgh_check=check(str(form.get("rgh") or ""), hospital.rgh_rule if hospital else None),
        rgh_override=request.rgh_override,
        identity_check=request.identity_check,
        attachments=attached,
        not_done=request.not_done,
    )
    return inference, results


def judged_words(
    request: InferenceRequest,
    protocol: Protocol,
    *,
    new_id: NewId,
    hospitals: Sequence[Hospital],
) -> tuple[dict[str, object], Consent]:
    """Return form and consent of a request, whose recordings nobody looks at.

    Raises:
        InvalidRequest, InvalidForm, ConsentRequired.
    """
    _check_protocol_digest(request, protocol.sha256)
    form = judged_form(
        request.form,
        protocol,
        legacy=request.legacy,
        captured_at=request.captured_at,
        hospitals=hospitals,
    )
    return form, _consent(request, protocol, new_id)


def judged_form(
    answers: Mapping[str, object],
    protocol: Protocol,
    *,
    legacy: bool,
    captured_at: datetime,
    hospitals: Sequence[Hospital],
) -> dict[str, object]:
    """Return the whole form of typed answers, or of the texts of 2022. Raises InvalidForm."""
    names = [name for hospital in hospitals for name in hospital.names]
    if not legacy:
        return validate_form(answers, protocol, captured_at=captured_at, hospitals=names)
    texts = {field: str(value) for field, value in answers.items()}
    return read_legacy_form(texts, protocol, captured_at=captured_at, hospitals=names)


def refused_inference(
    request: InferenceRequest, installed: InstalledProtocol, *, now: datetime, new_id: NewId
) -> Inference:
    """Return what is kept of a refusal: that there was one, by whom taken, under which text.

    Neither the form nor the RGH is kept: nobody agreed to that.
    """
    _check_protocol_digest(request, installed.sha256)
    return _bare(request, installed.id, installed.sha256, _consent_row(request, new_id), now=now)


def _bare(
    request: InferenceRequest,
    protocol_id: ProtocolId,
    protocol_sha256: Sha256,
    consent: Consent,
    *,
    now: datetime,
) -> Inference:
    """Return an inference that knows nothing of the patient yet."""
    return Inference(
        id=request.id,
        user_id=request.user_id,
        purpose=request.purpose,
        status=InferenceStatus.COMPLETED,
        protocol_id=protocol_id,
        protocol_sha256=protocol_sha256,
        model_id=None,
        model_name=None,
        hospital_id=None,
        form={},
        rgh_check=RghCheck.NONE,
        rgh_override=None,
        identity_check=None,
        consent=consent,
        attachments=(),
        not_done={},
        stopped_early=request.stopped_early,
        captured_at=request.captured_at,
        received_at=now,
        clock_offset_s=request.clock_offset_s,
        tablet_id=request.tablet_id,
        app_version=request.app_version,
        content_sha256=request.content_sha256,
    )


def _status(results: Sequence[Result]) -> InferenceStatus:
    """Return the status its results give an inference at the start."""
    waiting = any(r.state is ResultState.QUEUED and not r.shadow for r in results)
    return InferenceStatus.PROCESSING if waiting else InferenceStatus.COMPLETED


def _check_protocol_digest(request: InferenceRequest, sha256: Sha256) -> None:
    if request.protocol_sha256 not in {None, sha256}:
        raise _invalid("protocol.sha256", "digest", "not the digest of the installed protocol")


def _consent(request: InferenceRequest, protocol: Protocol, new_id: NewId) -> Consent:
    """Return the consent row, refusing recordings nobody agreed to."""
    decision = request.consent.decision
    if not decision.allows_recordings:
        raise ConsentRequired(inference_id=request.id)
    if decision is ConsentDecision.ACCEPTED:
        known = {text.sha256 for text in protocol.consents.values()}
        if request.consent.text_sha256 not in known:
            raise _invalid("consent.text_sha256", "digest", "not a consent text of the protocol")
        if request.consent.language not in {None, *protocol.languages}:
            raise _invalid("consent.language", "enum", "not a language of the protocol")
    return _consent_row(request, new_id)


def _consent_row(request: InferenceRequest, new_id: NewId) -> Consent:
    asked = request.consent
    return Consent(
        id=ConsentId(new_id()),
        decision=asked.decision,
        given_by=asked.given_by,
        relationship=asked.relationship,
        form_signed=asked.form_signed,
        witness_present=asked.witness_present,
        assent=asked.assent,
        text_sha256=asked.text_sha256,
        language=asked.language,
        purposes=asked.purposes,
        taken_at=asked.taken_at,
    )


def _invalid(field: str, code: str, message: str) -> InvalidRequest:
    return InvalidRequest(
        f"{field} is {message}.", errors=(FieldError(field=field, code=code, message=message),)
    )
