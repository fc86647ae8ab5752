"""Submitting: everything is judged before anything is stored, and a repeat is the same answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from appliance.core.audit import AuditAction
from appliance.core.errors import (
    ContentConflict,
    InvalidForm,
    InvalidRequest,
    ModelNotReady,
    RecordingRefused,
    RecordingsMissing,
    StorageFailed,
)
from appliance.core.ids import ModelId, RecordingId, UserId
from appliance.core.inference import ConsentDecision, InferenceStatus, Purpose
from appliance.core.model import VersionState
from appliance.core.quality import Verdict
from appliance.core.result import ResultState
from appliance.core.rgh import RghCheck
from appliance.core.submission import InferenceRequest
from appliance.ports import Stored
from tests.builders import a_model, a_user, an_audit, digest_of
from tests.usecases.ward import Ward, a_voice


def test_an_accepted_inference_waits_for_one_result_and_wakes_the_worker(ward: Ward) -> None:
    """One pending result of the active version, fixed at acceptance, and one wake."""
    inference, stored = ward.submit(ward.request(ward.recordings()))

    results = ward.records.inferences.results(inference.id)
    assert stored is Stored.NEW
    assert inference.status is InferenceStatus.PROCESSING
    assert [(r.model_version_id, r.state) for r in results] == [
        (ward.version.id, ResultState.QUEUED)
    ]
    assert ward.queue.woken == [results[0].id]


def test_the_same_request_twice_is_one_inference(ward: Ward) -> None:
    """A repeat gives the first answer and wakes nobody."""
    request = ward.request(ward.recordings())
    first, _ = ward.submit(request)
    ward.queue.lose_everything()

    again, stored = ward.submit(request)

    assert (again, stored) == (first, Stored.SAME)
    assert ward.queue.woken == []


def test_other_content_under_the_same_id_is_a_conflict(ward: Ward) -> None:
    """Nothing is changed by it."""
    request = ward.request(ward.recordings())
    first, _ = ward.submit(request)

    with pytest.raises(ContentConflict):
        ward.submit(replace(request, content_sha256=digest_of("other")))

    assert ward.records.inferences.inference(first.id) == first


def test_recordings_that_are_not_here_are_named(ward: Ward) -> None:
    """The client learns which ids to send."""
    recordings = {**ward.recordings(), "frase": RecordingId("never-sent")}

    with pytest.raises(RecordingsMissing) as refusal:
        ward.submit(ward.request(recordings))

    assert refusal.value.details["missing"] == ("never-sent",)


def test_a_required_role_must_be_recorded_or_explained(ward: Ward) -> None:
    """Leaving it out in silence is refused; a reason is enough."""
    recordings = ward.recordings()
    del recordings["parlenda"]

    with pytest.raises(InvalidRequest) as refusal:
        ward.submit(ward.request(recordings))
    inference, _ = ward.submit(ward.request(recordings, not_done={"parlenda": "too_breathless"}))

    assert [error.field for error in refusal.value.errors] == ["not_done.parlenda"]
    assert inference.not_done == {"parlenda": "too_breathless"}


def test_a_form_outside_the_hard_range_is_refused_and_nothing_is_stored(ward: Ward) -> None:
    """The refusal names the field."""
    request = ward.request(ward.recordings())

    with pytest.raises(InvalidForm) as refusal:
        ward.submit(replace(request, form={**request.form, "spo2": 101}))

    assert [(e.field, e.code) for e in refusal.value.errors] == [("spo2", "range")]
    assert list(ward.records.inferences.each()) == []


def test_a_refused_consent_keeps_nothing_of_the_patient(ward: Ward) -> None:
    """The refusal is stored; form, recordings and their files are gone."""
    recordings = ward.recordings()
    request = ward.request(recordings)
    refused = replace(request.consent, decision=ConsentDecision.REFUSED)

    inference, _ = ward.submit(replace(request, consent=refused))

    assert inference.consent.decision is ConsentDecision.REFUSED
    assert (inference.form, inference.attachments) == ({}, ())
    assert ward.records.recordings.recordings(list(recordings.values())) == ()
    assert list(ward.audio.hashes()) == []


def refused(ward: Ward, recordings: Mapping[str, RecordingId]) -> InferenceRequest:
    """Return a request whose patient said no."""
    request = ward.request(recordings)
    return replace(request, consent=replace(request.consent, decision=ConsentDecision.REFUSED))


def test_what_was_refused_never_comes_back(ward: Ward) -> None:
    """A tablet that repeats a recording, or sends it late, is told to forget it; no file stays."""
    recordings = ward.recordings()
    late = RecordingId("late")
    ward.submit(refused(ward, {**recordings, "frase": late}))

    for recording_id in (*recordings.values(), late):
        with pytest.raises(RecordingRefused):
            ward.record("frase", a_voice(), recording_id=recording_id)

    assert ward.records.recordings.recordings([*recordings.values(), late]) == ()
    assert list(ward.audio.hashes()) == []


def test_a_repeated_refusal_removes_the_files_a_crash_left(ward: Ward) -> None:
    """The rows go in the transaction; files follow, at the latest with the repeat."""
    request = refused(ward, ward.recordings())
    ward.audio.failed = True
    with pytest.raises(StorageFailed):
        ward.submit(request)
    ward.audio.failed = False
    assert list(ward.audio.hashes()) != []

    _, stored = ward.submit(request)

    assert stored is Stored.SAME
    assert list(ward.audio.hashes()) == []


def test_a_refusal_says_what_it_erased(ward: Ward) -> None:
    """One audit row a recording that is gone, by id; what never arrived is not counted."""
    recordings = ward.recordings()
    n_before, _ = ward.records.audit.head()

    inference, _ = ward.submit(refused(ward, {**recordings, "frase": RecordingId("never")}))

    rows = [row.entry for row in ward.records.audit.rows(after=n_before)]
    erased = [row for row in rows if row.action is AuditAction.RECORDING_ERASED]
    assert [row.entity_id for row in erased] == list(recordings.values())
    assert rows[-1].entity_id == inference.id
    assert rows[-1].details["n_erased"] == len(recordings)


def test_a_refusal_erases_nothing_of_another_nurse(ward: Ward) -> None:
    """Neither the row nor the file of a recording someone else sent, nor a file others name."""
    stranger = a_user(id=UserId("user-2"), username="other", email="other@example.org")
    ward.records.accounts.add_user(stranger, "hash", audit=an_audit())
    recordings = ward.recordings()
    theirs = replace(
        ward.records.recordings.recording(recordings["aceite"]),
        id=RecordingId("theirs"),
        user_id=stranger.id,
    )
    ward.records.recordings.add_recording(theirs, audit=an_audit())

    ward.submit(refused(ward, {**recordings, "frase": theirs.id}))

    assert ward.records.recordings.recording(theirs.id) == theirs
    assert ward.audio.read(theirs.sha256) == a_voice()


def test_a_collection_is_complete_without_any_result(ward: Ward) -> None:
    """No model is asked, nobody is woken."""
    inference, _ = ward.submit(ward.request(ward.recordings(), purpose=Purpose.COLLECTION))

    assert inference.status is InferenceStatus.COMPLETED
    assert ward.records.inferences.results(inference.id) == ()
    assert ward.queue.woken == []


def test_a_model_that_waits_for_its_first_bundle_is_not_ready(ward: Ward) -> None:
    """A name alone cannot score."""
    waiting = a_model(id=ModelId("model-2"), name="waiting", publishing_channel="waiting-topic")
    ward.records.models.add_model(waiting, audit=an_audit())

    with pytest.raises(ModelNotReady):
        ward.submit(ward.request(ward.recordings(), model_id=waiting.id))


def test_a_model_that_was_here_once_is_always_stored(ward: Ward) -> None:
    """Without an active version the result says so at once."""
    ward.records.models.set_state(ward.version.id, VersionState.INSTALLED, audit=an_audit())

    inference, _ = ward.submit(ward.request(ward.recordings()))

    (result,) = ward.records.inferences.results(inference.id)
    assert inference.status is InferenceStatus.COMPLETED
    assert (result.state, result.reason) == (ResultState.DONE, "model-unavailable")


def test_verdicts_are_final_with_the_inference(ward: Ward) -> None:
    """A recording too quiet to use is kept, attached and marked."""
    recordings = ward.recordings()
    recordings["sustentada"] = ward.record("sustentada", a_voice(level=0.002))

    inference, _ = ward.submit(ward.request(recordings))

    verdicts = {a.role: a.verdict for a in inference.attachments}
    assert verdicts["sustentada"] is Verdict.FAIL
    assert verdicts["parlenda"] is Verdict.OK


def test_a_wrong_letter_is_noted_and_never_refused(ward: Ward) -> None:
    """The check of the RGH is stored with the inference."""
    request = ward.request(ward.recordings())

    inference, _ = ward.submit(replace(request, form={**request.form, "rgh": "12345678A"}))

    assert inference.rgh_check is RghCheck.FAILED


def test_two_chosen_takes_of_a_role_are_refused(ward: Ward) -> None:
    """One take at most is chosen."""
    request = ward.request(ward.recordings())
    second = replace(
        request.attachments[1], recording_id=ward.record(request.attachments[1].role, a_voice(2.0))
    )
    both = replace(request, attachments=(*request.attachments, replace(second, take=2)))

    with pytest.raises(InvalidRequest) as refusal:
        ward.submit(both)

    assert [error.code for error in refusal.value.errors] == ["duplicate"]
