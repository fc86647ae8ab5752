"""Consent rows and what hangs on them: attachments and reasons for what was not recorded."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict

from appliance.adapters.sqlite_records.columns import (
    document_text,
    instant,
    instant_text,
    optional_instant,
    optional_instant_text,
)
from appliance.adapters.sqlite_records.seals import checked
from appliance.core.ids import InferenceId
from appliance.core.inference import Attachment, Capture, Consent, ConsentDecision, Inference
from appliance.core.quality import Verdict


def insert_consent(
    connection: sqlite3.Connection, inference_id: InferenceId, consent: Consent
) -> None:
    """Append a consent to an inference that is here."""
    connection.execute(
        "INSERT INTO consents (id, inference_id, decision, given_by, relationship, form_signed,"
        " witness_present, assent, text_sha256, language, purposes, taken_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            consent.id,
            inference_id,
            consent.decision,
            consent.given_by,
            consent.relationship,
            consent.form_signed,
            consent.witness_present,
            consent.assent,
            consent.text_sha256,
            consent.language,
            document_text(dict(consent.purposes)),
            instant_text(consent.taken_at),
        ),
    )


def consent_of(row: sqlite3.Row) -> Consent:
    """Return the stored consent as a value. Raises RecordDamaged."""
    checked("consents", row)
    witness = row["witness_present"]
    return Consent(
        id=row["id"],
        decision=ConsentDecision(row["decision"]),
        given_by=row["given_by"],
        relationship=row["relationship"],
        form_signed=row["form_signed"],
        witness_present=None if witness is None else bool(witness),
        assent=row["assent"],
        text_sha256=row["text_sha256"],
        language=row["language"],
        purposes=json.loads(row["purposes"]),
        taken_at=instant(row["taken_at"]),
    )


def insert_attachments(connection: sqlite3.Connection, inference: Inference) -> None:
    """Attach recordings that are here and free, under the consent of the inference."""
    connection.executemany(
        "INSERT INTO attachments (inference_id, position, recording_id, consent_id,"
        " consent_decision, role, take, chosen, speaker, started_at, stop_reason,"
        " prompt_sha256, gaps, capture, verdict, verdict_reasons)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                inference.id,
                position,
                attachment.recording_id,
                inference.consent.id,
                inference.consent.decision,
                attachment.role,
                attachment.take,
                attachment.chosen,
                attachment.speaker,
                optional_instant_text(attachment.started_at),
                attachment.stop_reason,
                attachment.prompt_sha256,
                attachment.gaps,
                document_text(asdict(attachment.capture)),
                attachment.verdict,
                document_text(attachment.verdict_reasons),
            )
            for position, attachment in enumerate(inference.attachments)
        ],
    )


def attachment_of(row: sqlite3.Row) -> Attachment:
    """Return the stored attachment as a value. Raises RecordDamaged."""
    checked("attachments", row)
    return Attachment(
        recording_id=row["recording_id"],
        role=row["role"],
        take=row["take"],
        chosen=bool(row["chosen"]),
        speaker=row["speaker"],
        started_at=optional_instant(row["started_at"]),
        stop_reason=row["stop_reason"],
        prompt_sha256=row["prompt_sha256"],
        gaps=row["gaps"],
        capture=Capture(**json.loads(row["capture"])),
        verdict=Verdict(row["verdict"]),
        verdict_reasons=tuple(json.loads(row["verdict_reasons"])),
    )


def insert_not_done(
    connection: sqlite3.Connection, inference_id: InferenceId, not_done: Mapping[str, str]
) -> None:
    """Store why recordings were not taken."""
    connection.executemany(
        "INSERT INTO not_done (inference_id, position, role, reason) VALUES (?, ?, ?, ?)",
        [(inference_id, n, role, reason) for n, (role, reason) in enumerate(not_done.items())],
    )
