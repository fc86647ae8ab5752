"""An inference as rows: written in one piece, read in as many as asked for."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence

from appliance.adapters.sqlite_records.columns import (
    document_text,
    instant,
    instant_text,
    optional_instant,
    optional_instant_text,
)
from appliance.adapters.sqlite_records.consents import (
    attachment_of,
    consent_of,
    insert_attachments,
    insert_consent,
    insert_not_done,
)
from appliance.adapters.sqlite_records.seals import all_checked, refuse_lost
from appliance.core.diagnosis import Diagnosis, Reason
from appliance.core.ids import InferenceId
from appliance.core.inference import (
    Attachment,
    Consent,
    Inference,
    InferenceStatus,
    Purpose,
)
from appliance.core.rgh import RghCheck


def insert_inference(
    connection: sqlite3.Connection, inference: Inference, *, n_results: int
) -> None:
    """Store the inference with its consent, attachments and what was not done.

    Args:
        connection: within a transaction, which also stores so many results.
        inference: which.
        n_results: how many results will belong to it.
    """
    columns = _columns(inference) | {"n_results": n_results}
    names = ", ".join(columns)
    places = ", ".join(f":{name}" for name in columns)
    # The names are those of `_columns`, none comes from outside.
    connection.execute(f"INSERT INTO inferences ({names}) VALUES ({places})", columns)  # noqa: S608
    insert_consent(connection, inference.id, inference.consent)
    insert_attachments(connection, inference)
    insert_not_done(connection, inference.id, inference.not_done)


def load_inferences(
    connection: sqlite3.Connection, rows: Sequence[sqlite3.Row]
) -> tuple[Inference, ...]:
    """Return the inferences of these rows of `inferences`, in their order.

    Raises:
        RecordDamaged: one of them, or what belongs to it, is not as it was written.
    """
    all_checked("inferences", rows)
    ids = document_text([row["id"] for row in rows])
    consents = _consents(connection, ids)
    attachments = _attachments(connection, ids)
    not_done = _not_done(connection, ids)
    return tuple(
        _inference(
            row,
            consents=consents[row["id"]],
            attachments=tuple(attachments[row["id"]]),
            not_done=not_done[row["id"]],
        )
        for row in rows
    )


def _columns(inference: Inference) -> dict[str, str | int | float | None]:
    form = inference.form
    return {
        "id": inference.id,
        "user_id": inference.user_id,
        "purpose": inference.purpose,
        "status": inference.status,
        "protocol_id": inference.protocol_id,
        "protocol_sha256": inference.protocol_sha256,
        "model_id": inference.model_id,
        "model_name": inference.model_name or "",
        "hospital_id": inference.hospital_id,
        "form": document_text(dict(form)),
        "local": str(form.get("local") or ""),
        "rgh": str(form.get("rgh") or ""),
        "sample_type": str(form.get("sample_type") or ""),
        "rgh_check": inference.rgh_check,
        "rgh_override": inference.rgh_override,
        "identity_check": inference.identity_check,
        "stopped_early": inference.stopped_early,
        "captured_at": instant_text(inference.captured_at),
        "received_at": instant_text(inference.received_at),
        "clock_offset_s": inference.clock_offset_s,
        "tablet_id": inference.tablet_id,
        "app_version": inference.app_version,
        "content_sha256": inference.content_sha256,
        "diagnosis": inference.diagnosis or "",
        "reason": inference.reason,
        "first_shown_at": optional_instant_text(inference.first_shown_at),
        "disagreed_at": optional_instant_text(inference.disagreed_at),
        "n_consents": 1,
        "n_attachments": len(inference.attachments),
        "n_not_done": len(inference.not_done),
    }


def _inference(
    row: sqlite3.Row,
    *,
    consents: Sequence[Consent],
    attachments: tuple[Attachment, ...],
    not_done: Mapping[str, str],
) -> Inference:
    """Return an inference with the consent it was stored with; later ones stand beside it."""
    refuse_lost("consents", len(consents), expected=row["n_consents"], owner=row["id"])
    refuse_lost("attachments", len(attachments), expected=row["n_attachments"], owner=row["id"])
    refuse_lost("not_done", len(not_done), expected=row["n_not_done"], owner=row["id"])
    return Inference(
        id=row["id"],
        user_id=row["user_id"],
        purpose=Purpose(row["purpose"]),
        status=InferenceStatus(row["status"]),
        protocol_id=row["protocol_id"],
        protocol_sha256=row["protocol_sha256"],
        model_id=row["model_id"],
        model_name=row["model_name"] or None,
        hospital_id=row["hospital_id"],
        form=json.loads(row["form"]),
        rgh_check=RghCheck(row["rgh_check"]),
        rgh_override=row["rgh_override"],
        identity_check=row["identity_check"],
        consent=consents[0],
        attachments=attachments,
        not_done=not_done,
        stopped_early=bool(row["stopped_early"]),
        captured_at=instant(row["captured_at"]),
        received_at=instant(row["received_at"]),
        clock_offset_s=row["clock_offset_s"],
        tablet_id=row["tablet_id"],
        app_version=row["app_version"],
        content_sha256=row["content_sha256"],
        diagnosis=Diagnosis(row["diagnosis"]) if row["diagnosis"] else None,
        reason=Reason(row["reason"]) if row["reason"] else None,
        first_shown_at=optional_instant(row["first_shown_at"]),
        disagreed_at=optional_instant(row["disagreed_at"]),
    )


def _consents(connection: sqlite3.Connection, ids: str) -> Mapping[InferenceId, list[Consent]]:
    """Return the consents of each inference in the order they were given."""
    found: defaultdict[InferenceId, list[Consent]] = defaultdict(list)
    for row in connection.execute(
        "SELECT * FROM consents WHERE inference_id IN (SELECT value FROM json_each(?))"
        " ORDER BY seq",
        (ids,),
    ):
        found[row["inference_id"]].append(consent_of(row))
    return found


def _attachments(
    connection: sqlite3.Connection, ids: str
) -> Mapping[InferenceId, list[Attachment]]:
    found: defaultdict[InferenceId, list[Attachment]] = defaultdict(list)
    for row in connection.execute(
        "SELECT * FROM attachments WHERE inference_id IN (SELECT value FROM json_each(?))"
        " ORDER BY inference_id, position",
        (ids,),
    ):
        found[row["inference_id"]].append(attachment_of(row))
    return found


def _not_done(connection: sqlite3.Connection, ids: str) -> Mapping[InferenceId, dict[str, str]]:
    found: defaultdict[InferenceId, dict[str, str]] = defaultdict(dict)
    rows = connection.execute(
        "SELECT * FROM not_done WHERE inference_id IN (SELECT value FROM json_each(?))"
        " ORDER BY inference_id, position",
        (ids,),
    )
    for row in all_checked("not_done", rows):
        found[row["inference_id"]][row["role"]] = row["reason"]
    return found
