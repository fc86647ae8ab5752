"""Values for tests: valid by default, each keyword changes one thing.

The ids fit together: `an_inference` is of `a_user`, under `an_installed_protocol`.
"""

# ruff: noqa: ANN401 - what may be changed is what `replace` takes

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from appliance.core.account import Role, Token, User
from appliance.core.audit import AuditAction, AuditEntry, audited
from appliance.core.diagnosis import Diagnosis
from appliance.core.hospital import Hospital
from appliance.core.ids import (
    ConsentId,
    HospitalId,
    InferenceId,
    ModelId,
    ModelVersionId,
    ProtocolId,
    RecordingId,
    ResultId,
    Sha256,
    TokenId,
    UserId,
)
from appliance.core.inference import (
    Attachment,
    Capture,
    Consent,
    ConsentDecision,
    Inference,
    InferenceStatus,
    Purpose,
    Recording,
)
from appliance.core.installed_protocol import InstalledProtocol
from appliance.core.model import Model, ModelVersion, VersionState
from appliance.core.quality import Measures, Verdict
from appliance.core.result import Answer, Result, ResultState
from appliance.core.rgh import HC_RULE, RghCheck
from appliance.core.signing_key import KeyScope, TrustedKey

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
"""When everything happens, unless a test says otherwise."""


def later(seconds: float) -> datetime:
    """Return so many seconds after `NOON`."""
    return NOON + timedelta(seconds=seconds)


def digest_of(text: str) -> Sha256:
    """Return the SHA-256 of a text, to stand for some content's."""
    return Sha256(sha256(text.encode()).hexdigest())


def an_audit(
    action: AuditAction = AuditAction.EXPORTED,
    entity_id: str = "some-id",
    *,
    at: datetime = NOON,
    actor: str = "console",
    **details: str | float | bool | None,
) -> AuditEntry:
    """Return an audit entry."""
    return audited(action, entity_id, at=at, actor=actor, **details)


def a_user(**changes: Any) -> User:
    """Return an active nurse without a hospital."""
    user = User(
        id=UserId("user-1"),
        username="nurse",
        email="nurse@example.org",
        role=Role.NURSE,
        active=True,
        hospital_ids=(),
        created_at=NOON,
    )
    return replace(user, **changes)


def a_token(**changes: Any) -> Token:
    """Return a token of `a_user` that lives for eight hours."""
    token = Token(
        id=TokenId("token-1"),
        family="family-1",
        user_id=UserId("user-1"),
        issued_at=NOON,
        expires_at=later(8 * 3600),
    )
    return replace(token, **changes)


def a_hospital(**changes: Any) -> Hospital:
    """Return a hospital with the rule of Hospital das Clínicas."""
    hospital = Hospital(
        id=HospitalId("hospital-1"),
        name="Hospital das Clínicas",
        rgh_rule=HC_RULE,
        created_at=NOON,
    )
    return replace(hospital, **changes)


def an_installed_protocol(**changes: Any) -> InstalledProtocol:
    """Return a protocol whose document nobody parses."""
    protocol = InstalledProtocol(
        id=ProtocolId("protocol-1"),
        sha256=digest_of("{}"),
        title="Protocol",
        document=b"{}",
        active=True,
        installed_at=NOON,
    )
    return replace(protocol, **changes)


def a_model(**changes: Any) -> Model:
    """Return a model that waits for its first bundle."""
    model = Model(
        id=ModelId("model-1"),
        name="SpiraConv",
        publishing_channel="spira-conv",
        is_default=False,
        ever_installed=False,
        active=None,
        created_at=NOON,
    )
    return replace(model, **changes)


def a_model_version(**changes: Any) -> ModelVersion:
    """Return the first version of `a_model`; digests follow id and version."""
    version_id = changes.get("id", ModelVersionId("version-1"))
    version = ModelVersion(
        id=version_id,
        model_id=ModelId("model-1"),
        model_name="SpiraConv",
        version="1.0.0",
        sequence=1,
        digest=digest_of(f"manifest {version_id}"),
        graph_sha256=digest_of(f"graph {version_id}"),
        manifest=b'{"format": "spira-bundle"}',
        key_fingerprint=a_trusted_key().fingerprint,
        demonstration=False,
        t_low=0.4,
        t_high=0.6,
        state=VersionState.INSTALLED,
        installed_at=NOON,
    )
    return replace(version, **changes)


def a_trusted_key(**changes: Any) -> TrustedKey:
    """Return a clinical key."""
    key = TrustedKey(public_key=bytes(32), scope=KeyScope.CLINICAL, name="SPIRA")
    return replace(key, **changes)


def some_measures(**changes: Any) -> Measures:
    """Return what is measured of a good recording."""
    measures = Measures(
        sample_rate_hz=48_000,
        duration_s=4.5,
        peak=0.5,
        clipped_frac=0.0,
        dead_frac=0.0,
        active_s=4.25,
        level_db=-22.5,
        noise_db=-61.0,
        snr_db=38.5,
        steady_frac=0.98,
    )
    return replace(measures, **changes)


def a_recording(**changes: Any) -> Recording:
    """Return a recording of `a_user`; its content follows its id."""
    recording_id = changes.get("id", RecordingId("recording-1"))
    recording = Recording(
        id=recording_id,
        user_id=UserId("user-1"),
        role="sustentada",
        protocol_id=ProtocolId("protocol-1"),
        sha256=digest_of(f"sound {recording_id}"),
        n_bytes=432_044,
        measures=some_measures(),
        received_at=NOON,
    )
    return replace(recording, **changes)


def an_attachment(**changes: Any) -> Attachment:
    """Return the place of `a_recording` in an inference."""
    attachment = Attachment(
        recording_id=RecordingId("recording-1"),
        role="sustentada",
        take=1,
        chosen=True,
        speaker="patient",
        started_at=later(-20.0),
        stop_reason="silence",
        prompt_sha256=digest_of("prompt"),
        gaps=0,
        capture=Capture(echo_cancellation=False, sample_rate_hz=48_000, device="tablet"),
        verdict=Verdict.WARN,
        verdict_reasons=("quiet",),
    )
    return replace(attachment, **changes)


def a_consent(**changes: Any) -> Consent:
    """Return an accepted consent."""
    consent = Consent(
        id=ConsentId("consent-1"),
        decision=ConsentDecision.ACCEPTED,
        given_by="patient",
        relationship=None,
        form_signed="paper",
        witness_present=False,
        assent=None,
        text_sha256=digest_of("text"),
        language="pt-BR",
        purposes={"study": True, "audio_sharing": False},
        taken_at=later(-60.0),
    )
    return replace(consent, **changes)


def an_inference(**changes: Any) -> Inference:
    """Return an inference of `a_user` without recordings; consent and content follow its id."""
    inference_id = changes.get("id", InferenceId("inference-1"))
    inference = Inference(
        id=inference_id,
        user_id=UserId("user-1"),
        purpose=Purpose.INFERENCE,
        status=InferenceStatus.PROCESSING,
        protocol_id=ProtocolId("protocol-1"),
        protocol_sha256=digest_of("{}"),
        model_id=ModelId("model-1"),
        model_name="SpiraConv",
        hospital_id=HospitalId("hospital-1"),
        form={"rgh": "14259401E", "local": "Hospital das Clínicas", "spo2": 93, "cid": None},
        rgh_check=RghCheck.OK,
        rgh_override=None,
        identity_check="wristband",
        consent=a_consent(id=ConsentId(f"consent of {inference_id}")),
        attachments=(),
        not_done={"frase": "cannot_read"},
        stopped_early=False,
        captured_at=later(-30.0),
        received_at=NOON,
        clock_offset_s=-2.1,
        tablet_id=None,
        app_version="1.0.0",
        content_sha256=digest_of(f"request {inference_id}"),
    )
    return replace(inference, **changes)


def a_result(**changes: Any) -> Result:
    """Return the queued result of `a_model_version` for `an_inference`."""
    version = a_model_version()
    result = Result(
        id=ResultId("result-1"),
        inference_id=InferenceId("inference-1"),
        model_id=version.model_id,
        model_name=version.model_name,
        model_version_id=version.id,
        model_version=version.version,
        graph_sha256=version.graph_sha256,
        t_low=version.t_low,
        t_high=version.t_high,
        demonstration=False,
        shadow=False,
        state=ResultState.QUEUED,
    )
    return replace(result, **changes)


def an_answer(**changes: Any) -> Answer:
    """Return a negative answer."""
    answer = Answer(
        diagnosis=Diagnosis.NEGATIVE,
        probability=0.125,
        output=(0.125,),
        latency_ms=87.5,
    )
    return replace(answer, **changes)
