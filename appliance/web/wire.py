"""Values of the core as the wire has them (API.md §1): every field always there, absent is null."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from appliance.core.account import Role, User
from appliance.core.hospital import Hospital
from appliance.core.inference import Inference, Recording
from appliance.core.model import Model
from appliance.core.result import Result, ResultState

FORM_FIELDS_2022: Final = (
    *("rgh", "mask_type", "gender", "covid_status", "local", "age", "cid", "bpm"),
    *("respiratory_frequency", "respiratory_insufficiency_status", "location"),
    *("last_positive_diagnose_date", "hospitalized", "hospitalization_start"),
    *("hospitalization_end", "spo2"),
)
"""Fields of the form that a 2022 client expects of every inference."""

NO_OUTPUT_YET: Final = (-1.0,)
NOT_AVAILABLE: Final = "not available"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What a 2022 write answers."""

    message: str


class TokenWire(msgspec.Struct, frozen=True, kw_only=True):
    """Of a sign-in."""

    id: str
    access_token: str
    token_type: str = "bearer"  # noqa: S105 - the kind, not a token


class AppSessionWire(msgspec.Struct, frozen=True, kw_only=True):
    """Of a sign-in of the web app: who, until when, and the note that says later who it was."""

    id: str
    username: str
    role: Role
    hospitals: tuple[str, ...]
    author_pass: str
    author_pass_expires_at: str
    session_expires_at: str


class UserWire(msgspec.Struct, frozen=True, kw_only=True):
    """An account, without anything secret."""

    id: str
    username: str
    email: str
    role: Role
    active: bool
    hospitals: tuple[str, ...]
    created_at: str


class Users(msgspec.Struct, frozen=True, kw_only=True):
    """All accounts."""

    users: list[UserWire]


class ModelWire(msgspec.Struct, frozen=True, kw_only=True):
    """A model; `version` and `demonstration` are those of its active version."""

    id: str
    name: str
    publishing_channel: str
    ready: bool
    version: str | None
    demonstration: bool


class Models(msgspec.Struct, frozen=True, kw_only=True):
    """All models, the default first."""

    models: list[ModelWire]


class HospitalWire(msgspec.Struct, frozen=True, kw_only=True):
    """A hospital and its rule for the RGH."""

    id: str
    name: str
    rgh_rule: dict[str, Any] | None


class Hospitals(msgspec.Struct, frozen=True, kw_only=True):
    """All hospitals."""

    hospitals: list[HospitalWire]


class RecordingWire(msgspec.Struct, frozen=True, kw_only=True):
    """A recording as received; `bytes` is its length."""

    id: str
    sha256: str
    bytes: int
    measures: dict[str, Any]


class InferenceCreated(msgspec.Struct, frozen=True, kw_only=True):
    """Of the multipart request of 2022."""

    inference_id: str


class InferenceList(msgspec.Struct, frozen=True, kw_only=True):
    """One page, or everything; `next` is the cursor of the following page."""

    inferences: list[dict[str, Any]]
    next: str | None


class InferenceAndResult(msgspec.Struct, frozen=True, kw_only=True):
    """An inference and the result of the model asked for."""

    inference: dict[str, Any]
    result: dict[str, Any]


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """One result a model."""

    results: list[dict[str, Any]]


def instant(at: datetime | None) -> str | None:
    """Return ISO 8601 in UTC, `Z` at the end."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None


def user(account: User) -> UserWire:
    """Return the account on the wire."""
    return UserWire(
        id=account.id,
        username=account.username,
        email=account.email,
        role=account.role,
        active=account.active,
        hospitals=account.hospital_ids,
        created_at=instant(account.created_at) or "",
    )


def model(known: Model) -> ModelWire:
    """Return the model on the wire."""
    return ModelWire(
        id=known.id,
        name=known.name,
        publishing_channel=known.publishing_channel,
        ready=known.active is not None,
        version=known.active.version if known.active else None,
        demonstration=known.active.demonstration if known.active else False,
    )


def hospital(known: Hospital) -> HospitalWire:
    """Return the hospital on the wire."""
    rule = known.rgh_rule.document() if known.rgh_rule else None
    return HospitalWire(id=known.id, name=known.name, rgh_rule=rule)


def recording(received: Recording) -> RecordingWire:
    """Return the receipt of a recording."""
    return RecordingWire(
        id=received.id,
        sha256=received.sha256,
        bytes=received.n_bytes,
        measures=asdict(received.measures),
    )


def inference(stored: Inference) -> dict[str, Any]:
    """Return the inference on the wire: the form's fields beside its own."""
    answers: Mapping[str, object] = {**dict.fromkeys(FORM_FIELDS_2022), **stored.form}
    return {
        **answers,
        "id": stored.id,
        "status": stored.status,
        "user_id": stored.user_id,
        "created_in": instant(stored.captured_at),
        "model_id": stored.model_id,
        "model_name": stored.model_name,
        "purpose": stored.purpose,
        "protocol": {"id": stored.protocol_id, "sha256": stored.protocol_sha256},
        "captured_at": instant(stored.captured_at),
        "received_at": instant(stored.received_at),
        "rgh_check": stored.rgh_check,
        "rgh_override": stored.rgh_override,
        "identity_check": stored.identity_check,
        "consent": stored.consent.decision,
        "recordings": [
            {
                "id": one.recording_id,
                "role": one.role,
                "take": one.take,
                "chosen": one.chosen,
                "verdict": one.verdict,
                "verdict_reasons": one.verdict_reasons,
            }
            for one in stored.attachments
        ],
        "not_done": dict(stored.not_done),
        "stopped_early": stored.stopped_early,
        "diagnosis": stored.diagnosis,
        "reason": stored.reason,
        "first_shown_at": instant(stored.first_shown_at),
        "disagreed_at": instant(stored.disagreed_at),
    }


def result(computed: Result) -> dict[str, Any]:
    """Return the result on the wire as 2022 has it, and what is new."""
    waits = computed.state in {ResultState.QUEUED, ResultState.RUNNING}
    return {
        "id": computed.id,
        "inference_id": computed.inference_id,
        "output": NO_OUTPUT_YET if waits else computed.output,
        "diagnosis": NOT_AVAILABLE if waits else computed.diagnosis,
        "reason": computed.reason,
        "reason_subject": computed.reason_subject,
        "probability": computed.probability,
        **result_state(computed),
    }


def without_numbers(row: dict[str, Any]) -> dict[str, Any]:
    """Return a result on the wire as people see it: words, and no probability."""
    output = NO_OUTPUT_YET if row["output"] == NO_OUTPUT_YET else ()
    return {**row, "output": output, "probability": None}


def result_state(computed: Result) -> dict[str, Any]:
    """Return where a result stands and who computes it, but nothing it says of the patient."""
    return {
        "id": computed.id,
        "inference_id": computed.inference_id,
        "model_id": computed.model_id,
        "model_name": computed.model_name,
        "model_version": computed.model_version,
        "graph_sha256": computed.graph_sha256,
        "t_low": computed.t_low,
        "t_high": computed.t_high,
        "demonstration": computed.demonstration,
        "shadow": computed.shadow,
        "state": computed.state,
        "error_code": computed.error_code,
        "computed_at": instant(computed.computed_at),
        "latency_ms": computed.latency_ms,
    }
