"""What InferenceRecords and RecordingRecords promise of a patient who said no."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appliance.core.audit import AuditAction
from appliance.core.errors import ContentConflict, RecordingRefused
from appliance.core.ids import ConsentId, InferenceId, RecordingId, UserId
from appliance.core.inference import ConsentDecision, Inference
from appliance.ports import Stored
from tests.builders import (
    a_consent,
    a_recording,
    a_user,
    an_attachment,
    an_audit,
    an_inference,
    digest_of,
    later,
)
from tests.contracts.records import Records, n_audited


def recorded(records: Records, *numbers: int) -> None:
    """Store recordings."""
    for number in numbers:
        recording = a_recording(id=RecordingId(f"recording-{number}"))
        records.recordings.add_recording(recording, audit=an_audit())


def refuse(records: Records, refusal: Inference, *named: str) -> Stored:
    """Store a refusal that names recordings; it audits each that is erased, and itself."""
    return records.inferences.add_refusal(
        refusal,
        [RecordingId(recording_id) for recording_id in named],
        audit=lambda erased: [
            *(an_audit(AuditAction.RECORDING_ERASED, recording_id) for recording_id in erased),
            an_audit(AuditAction.INFERENCE_STORED, refusal.id, n_erased=len(erased)),
        ],
    )


def a_refusal(**changes: Any) -> Inference:  # noqa: ANN401 - what `replace` takes
    """Return an inference whose patient said no."""
    consent = a_consent(id=ConsentId("no"), decision=ConsentDecision.REFUSED)
    return replace(an_inference(id=InferenceId("refusal"), consent=consent), **changes)


def test_a_refusal_erases_what_was_sent(furnished: Records) -> None:
    """In its transaction, with an audit row each; a repeat changes nothing."""
    recorded(furnished, 1, 2)
    n_before = n_audited(furnished)
    assert refuse(furnished, a_refusal(), "recording-1", "recording-1", "absent") is Stored.NEW
    left = furnished.recordings.unattached(received_before=later(60))
    assert [recording.id for recording in left] == ["recording-2"]
    rows = [row.entry for row in furnished.audit.rows(after=n_before)]
    assert [(row.action, row.entity_id) for row in rows] == [
        (AuditAction.RECORDING_ERASED, "recording-1"),
        (AuditAction.INFERENCE_STORED, "refusal"),
    ]
    assert rows[-1].details == {"n_erased": 1}
    n_before = n_audited(furnished)
    assert refuse(furnished, a_refusal(), "recording-2") is Stored.SAME
    assert len(furnished.recordings.recordings([RecordingId("recording-2")])) == 1
    assert n_audited(furnished) == n_before
    with pytest.raises(ContentConflict):
        refuse(furnished, a_refusal(content_sha256=digest_of("other")))


def test_what_a_refusal_named_never_comes_back(furnished: Records) -> None:
    """Neither what it erased nor what had not arrived; its content is still known by hash."""
    recorded(furnished, 1)
    refuse(furnished, a_refusal(), "recording-1", "recording-2")
    for number in (1, 2):
        again = a_recording(id=RecordingId(f"recording-{number}"))
        with pytest.raises(RecordingRefused):
            furnished.recordings.add_recording(again, audit=an_audit())
        assert furnished.recordings.recordings([again.id]) == ()
    content = a_recording(id=RecordingId("recording-1")).sha256
    assert furnished.inferences.refused_content(a_refusal().id) == (content,)
    assert furnished.inferences.refused_content(InferenceId("inference-1")) == ()
    assert (
        refuse(
            furnished,
            a_refusal(
                id=InferenceId("second"),
                consent=a_consent(id=ConsentId("second no"), decision=ConsentDecision.REFUSED),
            ),
            "recording-1",
        )
        is Stored.NEW
    )


def test_a_refusal_touches_nothing_of_others(furnished: Records) -> None:
    """What another user sent, may send, or another inference attaches, stays and may come."""
    stranger = a_user(id=UserId("user-2"), username="other", email="other@example.org")
    furnished.accounts.add_user(stranger, "hash", audit=an_audit())
    theirs = a_recording(id=RecordingId("theirs"), user_id=stranger.id)
    coming = a_recording(id=RecordingId("coming"), user_id=stranger.id)
    furnished.recordings.add_recording(theirs, audit=an_audit())
    recorded(furnished, 1)
    accepted = an_inference(attachments=(an_attachment(),))
    furnished.inferences.add_inference(accepted, [], audit=an_audit())
    refuse(furnished, a_refusal(), "theirs", "coming", "recording-1")
    furnished.recordings.add_recording(coming, audit=an_audit())
    kept = [theirs.id, coming.id, RecordingId("recording-1")]
    assert [recording.id for recording in furnished.recordings.recordings(kept)] == kept
    assert furnished.inferences.refused_content(a_refusal().id) == ()
