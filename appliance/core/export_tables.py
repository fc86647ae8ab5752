"""The tables of an export: each column with its meaning and the cell it takes from a row.

No column identifies a person: neither the RGH nor what people may write freely is among them
(reasons for an override, relationships, names of devices). What a client may have put into a
short text is exported only in the one form that such a text has.
"""

from __future__ import annotations

from typing import Final

from appliance.core.diagnosis import Diagnosis, Reason
from appliance.core.export_columns import (
    Column,
    ConsentRow,
    InferenceRow,
    column,
    one_of,
    only,
)
from appliance.core.inference import ConsentDecision, InferenceStatus, Purpose
from appliance.core.patterns import RELEASE
from appliance.core.result import Result, ResultState
from appliance.core.rgh import RghCheck

DECISIONS: Final = tuple(one for one in ConsentDecision if one.allows_recordings)
"""The consents under which somebody is in an export at all."""

INFERENCES: Final[tuple[Column[InferenceRow], ...]] = (
    column("id", "string", "pseudonym of the inference", lambda r: r.inference.id),
    column(
        "patient_id",
        "string",
        "pseudonym: one a patient and hospital, made with a key that never leaves the box",
        lambda r: r.patient_id,
    ),
    column("user_id", "string", "pseudonym of who took it", lambda r: r.inference.user_id),
    column("hospital_id", "string", "pseudonym of the hospital", lambda r: r.inference.hospital_id),
    column(
        "created_in",
        "instant",
        "when it was taken",
        lambda r: r.inference.captured_at,
        of_tablet=True,
    ),
    column("received_at", "instant", "when the box had it", lambda r: r.inference.received_at),
    column(
        "clock_offset_s",
        "number",
        "clock of the tablet minus clock of the box",
        lambda r: r.inference.clock_offset_s,
        unit="s",
    ),
    column(
        "purpose",
        "string",
        "to be scored, or to be collected only",
        lambda r: r.inference.purpose.value,
        values=Purpose,
    ),
    column(
        "status",
        "string",
        "where it stands",
        lambda r: r.inference.status.value,
        values=InferenceStatus,
    ),
    column(
        "consent",
        "string",
        "the decision that counts: accepted, or unverified for a request of the 2022 API",
        lambda r: r.consent.decision.value,
        values=DECISIONS,
    ),
    column(
        "consent_study",
        "boolean",
        "consent: use in this study",
        lambda r: r.consent.purposes.get("study"),
    ),
    column(
        "consent_future_research",
        "boolean",
        "consent: use in future research",
        lambda r: r.consent.purposes.get("future_research"),
    ),
    column(
        "consent_audio_sharing",
        "boolean",
        "consent: sharing of the sound",
        lambda r: r.consent.purposes.get("audio_sharing"),
    ),
    column("protocol", "string", "id of the protocol", lambda r: r.inference.protocol_id),
    column(
        "protocol_sha256",
        "string",
        "digest of the protocol's document",
        lambda r: r.inference.protocol_sha256,
    ),
    column("model_id", "string", "pseudonym of the model asked", lambda r: r.inference.model_id),
    column("model_name", "string", "name of the model asked", lambda r: r.inference.model_name),
    column(
        "diagnosis",
        "string",
        "of the model that was asked; empty without an answer",
        lambda r: r.inference.diagnosis and r.inference.diagnosis.value,
        values=Diagnosis,
    ),
    column(
        "reason",
        "string",
        "why it is inconclusive",
        lambda r: r.inference.reason and r.inference.reason.value,
        values=Reason,
    ),
    column(
        "first_shown_at",
        "instant",
        "when a person first opened the result",
        lambda r: r.inference.first_shown_at,
    ),
    column(
        "disagreed_at",
        "instant",
        "when the nurse said that she disagrees with the result",
        lambda r: r.inference.disagreed_at,
    ),
    column(
        "rgh_check",
        "string",
        "whether the check letter of the RGH fits; none: the hospital has no rule",
        lambda r: r.inference.rgh_check.value,
        values=RghCheck,
    ),
    column(
        "stopped_early",
        "boolean",
        "whether the session ended before its end",
        lambda r: r.inference.stopped_early,
    ),
    column(
        "app_version",
        "string",
        "release of the tablet's app, where it is written like 1.4.0",
        lambda r: only(RELEASE, r.inference.app_version),
    ),
    column(
        "tablet_id",
        "string",
        "pseudonym of the tablet",
        lambda r: r.inference.tablet_id,
    ),
)
"""The fixed columns; those of the protocols' forms follow them (`codebook.form_columns`)."""

RESULTS: Final[tuple[Column[Result], ...]] = (
    column("id", "string", "pseudonym of the result", lambda r: r.id),
    column("inference_id", "string", "inferences.id", lambda r: r.inference_id),
    column("model_id", "string", "pseudonym of the model", lambda r: r.model_id),
    column("model_name", "string", "name of the model", lambda r: r.model_name),
    column("model_version", "string", "version of the model", lambda r: r.model_version),
    column("graph_sha256", "string", "digest of the model's graph", lambda r: r.graph_sha256),
    column("t_low", "number", "negative at or under this probability", lambda r: r.t_low),
    column("t_high", "number", "positive at or over this probability", lambda r: r.t_high),
    column(
        "demonstration",
        "boolean",
        "true: made by a demonstration model, says nothing of a patient",
        lambda r: r.demonstration,
    ),
    column("shadow", "boolean", "scored without being shown to who took it", lambda r: r.shadow),
    column("state", "string", "where it stands", lambda r: r.state.value, values=ResultState),
    column(
        "diagnosis",
        "string",
        "of this version; empty without an answer",
        lambda r: r.diagnosis and r.diagnosis.value,
        values=Diagnosis,
    ),
    column(
        "reason",
        "string",
        "why it is inconclusive",
        lambda r: r.reason and r.reason.value,
        values=Reason,
    ),
    column("reason_subject", "string", "the role or field at fault", lambda r: r.reason_subject),
    column("error_code", "string", "why there was no answer", lambda r: r.error_code),
    column("probability", "number", "of respiratory insufficiency", lambda r: r.probability),
    column(
        "output",
        "numbers",
        "what the model gave, as a JSON list; empty without a run",
        lambda r: r.output or None,
    ),
    column("attempts", "integer", "how often a run was begun", lambda r: r.attempts),
    column("computed_at", "instant", "when it was written", lambda r: r.computed_at),
    column("latency_ms", "number", "from claim to answer", lambda r: r.latency_ms, unit="ms"),
)

CONSENTS: Final[tuple[Column[ConsentRow], ...]] = (
    column("id", "string", "pseudonym of the decision", lambda r: r.consent.id),
    column("inference_id", "string", "inferences.id", lambda r: r.inference_id),
    column(
        "decision",
        "string",
        "what was decided; one that was taken back and given anew stands in order",
        lambda r: r.consent.decision.value,
        values=ConsentDecision,
    ),
    column("taken_at", "instant", "when it was taken", lambda r: r.consent.taken_at),
    column(
        "text_sha256",
        "string",
        "digest of the text decided on; one of a protocol",
        lambda r: one_of(r.said.digests, r.consent.text_sha256),
    ),
    column(
        "language",
        "string",
        "of the text; one of a protocol",
        lambda r: one_of(r.said.languages, r.consent.language),
    ),
    column(
        "witness_present", "boolean", "whether somebody saw it", lambda r: r.consent.witness_present
    ),
)
