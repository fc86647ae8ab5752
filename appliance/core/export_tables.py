"""The tables of an export: each column with its meaning and the cell it takes from a row.

No column identifies a person: neither the RGH nor what people may write freely is among them
(reasons for an override, relationships, names of devices). What a client may have put into a
short text is exported only in the one form that such a text has.
"""

from __future__ import annotations

from typing import Final

from appliance.core.export_columns import (
    Column,
    ConsentRow,
    InferenceRow,
    RecordingRow,
    column,
    only,
)
from appliance.core.patterns import RELEASE, SHA256, UUID
from appliance.core.result import Result

INFERENCES: Final[tuple[Column[InferenceRow], ...]] = (
    column("id", "string", "id of the inference", lambda r: r.inference.id),
    column(
        "patient_id",
        "string",
        "pseudonym: one a patient and hospital, made with a key that never leaves the box",
        lambda r: r.patient_id,
    ),
    column("user_id", "string", "id of who took it", lambda r: r.inference.user_id),
    column("hospital_id", "string", "id of the hospital", lambda r: r.inference.hospital_id),
    column("created_in", "instant", "when it was taken", lambda r: r.inference.captured_at),
    column("received_at", "instant", "when the box had it", lambda r: r.inference.received_at),
    column(
        "clock_offset_s",
        "number",
        "clock of the tablet minus clock of the box",
        lambda r: r.inference.clock_offset_s,
        unit="s",
    ),
    column("purpose", "string", "inference or collection", lambda r: r.inference.purpose.value),
    column(
        "status", "string", "processing, completed or error", lambda r: r.inference.status.value
    ),
    column(
        "consent",
        "string",
        "the decision that counts: accepted, or unverified for a request of the 2022 API",
        lambda r: r.consent.decision.value,
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
    column("model_id", "string", "id of the model asked for", lambda r: r.inference.model_id),
    column("model_name", "string", "name of the model asked", lambda r: r.inference.model_name),
    column(
        "diagnosis",
        "string",
        "positive, negative or inconclusive; empty without an answer",
        lambda r: r.inference.diagnosis and r.inference.diagnosis.value,
    ),
    column(
        "reason",
        "string",
        "why it is inconclusive",
        lambda r: r.inference.reason and r.inference.reason.value,
    ),
    column(
        "first_shown_at",
        "instant",
        "when a person first opened the result",
        lambda r: r.inference.first_shown_at,
    ),
    column(
        "rgh_check",
        "string",
        "whether the check letter of the RGH fits: ok, failed, none",
        lambda r: r.inference.rgh_check.value,
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
        "id of the tablet",
        lambda r: only(UUID, r.inference.tablet_id),
    ),
)
"""The fixed columns; those of the protocols' forms follow them (`codebook.form_columns`)."""

RESULTS: Final[tuple[Column[Result], ...]] = (
    column("id", "string", "id of the result", lambda r: r.id),
    column("inference_id", "string", "inferences.id", lambda r: r.inference_id),
    column("model_id", "string", "id of the model", lambda r: r.model_id),
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
    column("state", "string", "queued, running, done or error", lambda r: r.state.value),
    column(
        "diagnosis",
        "string",
        "positive, negative or inconclusive; empty without an answer",
        lambda r: r.diagnosis and r.diagnosis.value,
    ),
    column("reason", "string", "why it is inconclusive", lambda r: r.reason and r.reason.value),
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

RECORDINGS: Final[tuple[Column[RecordingRow], ...]] = (
    column("id", "string", "id of the recording", lambda r: r.recording.id),
    column("inference_id", "string", "inferences.id", lambda r: r.inference_id),
    column("role", "string", "which recording of the protocol", lambda r: r.attachment.role),
    column("take", "integer", "number of the take, from 1", lambda r: r.attachment.take),
    column("chosen", "boolean", "the take that counts", lambda r: r.attachment.chosen),
    column("started_at", "instant", "when it was begun", lambda r: r.attachment.started_at),
    column("received_at", "instant", "when the box had it", lambda r: r.recording.received_at),
    column("sha256", "string", "digest of the file", lambda r: r.recording.sha256),
    column("n_bytes", "integer", "length of the file", lambda r: r.recording.n_bytes, unit="By"),
    column("gaps", "integer", "interruptions of the sound", lambda r: r.attachment.gaps),
    column(
        "prompt_sha256",
        "string",
        "digest of the words read",
        lambda r: only(SHA256, r.attachment.prompt_sha256),
    ),
    column("verdict", "string", "ok, warn or fail", lambda r: r.attachment.verdict.value),
    column(
        "verdict_reasons",
        "string",
        "codes, divided by spaces; those that fail first",
        lambda r: " ".join(r.attachment.verdict_reasons) or None,
    ),
    column(
        "sample_rate_hz",
        "integer",
        "of the file",
        lambda r: r.recording.measures.sample_rate_hz,
        unit="Hz",
    ),
    column(
        "duration_s", "number", "of the sound", lambda r: r.recording.measures.duration_s, unit="s"
    ),
    column("peak", "number", "largest amplitude, 0 to 1", lambda r: r.recording.measures.peak),
    column(
        "clipped_frac",
        "number",
        "share of clipped samples",
        lambda r: r.recording.measures.clipped_frac,
    ),
    column(
        "dead_frac",
        "number",
        "share of frames no microphone gives",
        lambda r: r.recording.measures.dead_frac,
    ),
    column(
        "active_s",
        "number",
        "of voice or other sound",
        lambda r: r.recording.measures.active_s,
        unit="s",
    ),
    column(
        "level_db",
        "number",
        "mean power of the active frames",
        lambda r: r.recording.measures.level_db,
        unit="dB",
    ),
    column(
        "noise_db",
        "number",
        "median of the quiet frames",
        lambda r: r.recording.measures.noise_db,
        unit="dB",
    ),
    column(
        "snr_db", "number", "level minus noise", lambda r: r.recording.measures.snr_db, unit="dB"
    ),
    column(
        "steady_frac",
        "number",
        "share of active frames from the first to the last",
        lambda r: r.recording.measures.steady_frac,
    ),
    column(
        "echo_cancellation",
        "boolean",
        "of the browser; empty: it did not say",
        lambda r: r.attachment.capture.echo_cancellation,
    ),
    column(
        "noise_suppression",
        "boolean",
        "of the browser; empty: it did not say",
        lambda r: r.attachment.capture.noise_suppression,
    ),
    column(
        "auto_gain_control",
        "boolean",
        "of the browser; empty: it did not say",
        lambda r: r.attachment.capture.auto_gain_control,
    ),
    column(
        "voice_isolation",
        "boolean",
        "of the device; empty: it did not say",
        lambda r: r.attachment.capture.voice_isolation,
    ),
    column(
        "capture_sample_rate_hz",
        "integer",
        "of the microphone, as the browser said",
        lambda r: r.attachment.capture.sample_rate_hz,
        unit="Hz",
    ),
)

CONSENTS: Final[tuple[Column[ConsentRow], ...]] = (
    column("id", "string", "id of the decision", lambda r: r.consent.id),
    column("inference_id", "string", "inferences.id", lambda r: r.inference_id),
    column("decision", "string", "accepted or unverified", lambda r: r.consent.decision.value),
    column("taken_at", "instant", "when it was taken", lambda r: r.consent.taken_at),
    column(
        "text_sha256",
        "string",
        "digest of the text decided on",
        lambda r: only(SHA256, r.consent.text_sha256),
    ),
    column(
        "language",
        "string",
        "of the text; one of a protocol",
        lambda r: r.consent.language if r.consent.language in r.languages else None,
    ),
    column(
        "witness_present", "boolean", "whether somebody saw it", lambda r: r.consent.witness_present
    ),
)
