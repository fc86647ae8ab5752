"""What every filler of InferenceRecords promises."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from appliance.core.diagnosis import Diagnosis, Reason
from appliance.core.errors import (
    ConsentRequired,
    ContentConflict,
    InferenceNotFound,
    InvalidRequest,
    RecordingsMissing,
)
from appliance.core.ids import ConsentId, HospitalId, InferenceId, RecordingId, ResultId, UserId
from appliance.core.inference import (
    ConsentDecision,
    Inference,
    InferenceQuery,
    InferenceStatus,
    Purpose,
    SortKey,
)
from appliance.core.result import Result, ResultState
from appliance.core.rgh import RghCheck
from appliance.ports import Stored
from tests.builders import (
    a_consent,
    a_recording,
    a_result,
    a_user,
    an_attachment,
    an_audit,
    an_inference,
    digest_of,
    later,
)
from tests.contracts.records import Records, n_audited

ID = InferenceId("inference-1")
UNAVAILABLE: dict[str, Any] = {
    "model_version_id": None,
    "model_version": None,
    "graph_sha256": None,
    "t_low": None,
    "t_high": None,
    "state": ResultState.DONE,
    "diagnosis": Diagnosis.INCONCLUSIVE,
    "reason": Reason.MODEL_UNAVAILABLE,
}


def add(records: Records, inference: Inference, *results: Result) -> Stored:
    """Store an inference."""
    return records.inferences.add_inference(inference, results, audit=an_audit())


def recorded(records: Records, *numbers: int) -> Inference:
    """Store recordings; return an inference that would attach them."""
    attachments = []
    for number in numbers:
        recording = a_recording(id=RecordingId(f"recording-{number}"))
        records.recordings.add_recording(recording, audit=an_audit())
        attachments.append(an_attachment(recording_id=recording.id, take=number))
    return an_inference(attachments=tuple(attachments))


def test_an_inference_comes_back_as_added(furnished: Records) -> None:
    """Every field survives, in an order that is kept, with one audit row."""
    inference = recorded(furnished, 2, 1)
    bare = an_inference(
        id=InferenceId("inference-2"),
        purpose=Purpose.COLLECTION,
        status=InferenceStatus.COMPLETED,
        model_id=None,
        model_name=None,
        hospital_id=None,
        form={},
        rgh_check=RghCheck.NONE,
        identity_check=None,
        not_done={"ruido": "other", "aceite": "refused"},
        consent=a_consent(
            id=ConsentId("consent-2"),
            decision=ConsentDecision.UNVERIFIED,
            given_by=None,
            witness_present=None,
            purposes={},
        ),
        clock_offset_s=None,
        stopped_early=True,
    )
    n_before = n_audited(furnished)
    for each in (inference, bare):
        assert add(furnished, each) is Stored.NEW
        assert furnished.inferences.inference(each.id) == each
        assert furnished.inferences.consents(each.id) == (each.consent,)
    assert list(furnished.inferences.inference(bare.id).not_done) == ["ruido", "aceite"]
    assert n_audited(furnished) == n_before + 2


def test_sending_again_changes_nothing(furnished: Records) -> None:
    """The first answer stands: no second result, no audit row."""
    add(furnished, an_inference(), a_result())
    n_before = n_audited(furnished)
    again = replace(an_inference(), received_at=later(9), consent=a_consent(id=ConsentId("new")))
    assert add(furnished, again, a_result(id=ResultId("new"))) is Stored.SAME
    assert furnished.inferences.inference(ID) == an_inference()
    assert furnished.inferences.results(ID) == (a_result(),)
    assert n_audited(furnished) == n_before


@pytest.mark.parametrize("change", [{"user_id": "user-2"}, {"content_sha256": digest_of("x")}])
def test_an_id_never_gets_other_content(furnished: Records, change: dict[str, str]) -> None:
    """Another user or request under a known id is refused."""
    add(furnished, an_inference())
    with pytest.raises(ContentConflict):
        add(furnished, an_inference(**change))
    assert furnished.inferences.inference(ID) == an_inference()


def test_a_missing_recording_refuses_the_whole(furnished: Records) -> None:
    """The error names what is not here, and nothing is stored."""
    inference = recorded(furnished, 1, 2)
    furnished.recordings.erase_recording(RecordingId("recording-2"), audit=an_audit())
    n_before = n_audited(furnished)
    with pytest.raises(RecordingsMissing) as raised:
        add(furnished, inference, a_result())
    assert raised.value.details["missing"] == ("recording-2",)
    with pytest.raises(InferenceNotFound):
        furnished.inferences.inference(ID)
    assert furnished.jobs.counts()["queued"] == 0
    assert n_audited(furnished) == n_before


def test_a_recording_belongs_to_one_inference(furnished: Records) -> None:
    """No other inference attaches it again."""
    inference = recorded(furnished, 1)
    add(furnished, inference)
    thief = an_inference(id=InferenceId("inference-2"), attachments=inference.attachments)
    with pytest.raises(ContentConflict):
        add(furnished, thief)


@pytest.mark.parametrize("decision", [ConsentDecision.REFUSED, ConsentDecision.WITHDRAWN])
def test_nothing_is_attached_without_consent(furnished: Records, decision: ConsentDecision) -> None:
    """Whatever a caller tries."""
    inference = replace(recorded(furnished, 1), consent=a_consent(decision=decision))
    with pytest.raises(ConsentRequired):
        add(furnished, inference)
    assert len(furnished.recordings.unattached(received_before=later(60))) == 1


def test_a_result_answered_at_once_settles_the_inference(furnished: Records) -> None:
    """A model that is not here any more leaves nobody waiting."""
    add(furnished, an_inference(), a_result(**UNAVAILABLE))
    inference = furnished.inferences.inference(ID)
    assert inference.status is InferenceStatus.COMPLETED
    assert (inference.diagnosis, inference.reason) == (
        Diagnosis.INCONCLUSIVE,
        Reason.MODEL_UNAVAILABLE,
    )
    assert furnished.inferences.results(ID) == (a_result(**UNAVAILABLE),)
    assert furnished.jobs.counts() == {"queued": 0, "running": 0, "done": 1, "error": 0}


def test_an_inference_without_results_has_none(furnished: Records) -> None:
    """A collection is not scored."""
    add(furnished, an_inference())
    assert furnished.inferences.results(ID) == ()


def test_the_first_opening_is_remembered_once(furnished: Records) -> None:
    """Later ones change nothing, unknown ids are nothing, and none of it is audited."""
    add(furnished, an_inference())
    n_before = n_audited(furnished)
    furnished.inferences.mark_shown(ID, at=later(10))
    furnished.inferences.mark_shown(ID, at=later(20))
    furnished.inferences.mark_shown(InferenceId("inference-9"), at=later(20))
    assert furnished.inferences.inference(ID).first_shown_at == later(10)
    assert n_audited(furnished) == n_before


def test_a_disagreement_is_remembered_once(furnished: Records) -> None:
    """With its audit row; later ones change nothing and leave none."""
    add(furnished, an_inference())
    n_before = n_audited(furnished)
    furnished.inferences.disagree(ID, at=later(10), audit=an_audit())
    furnished.inferences.disagree(ID, at=later(20), audit=an_audit())
    assert furnished.inferences.inference(ID).disagreed_at == later(10)
    assert n_audited(furnished) == n_before + 1
    with pytest.raises(InferenceNotFound):
        furnished.inferences.disagree(InferenceId("x"), at=later(20), audit=an_audit())


def test_a_withdrawal_stands_beside_the_consent(furnished: Records) -> None:
    """Consents are appended, and the inference keeps the one it was stored with."""
    add(furnished, an_inference())
    withdrawn = a_consent(id=ConsentId("consent-2"), decision=ConsentDecision.WITHDRAWN)
    furnished.inferences.add_consent(ID, withdrawn, audit=an_audit())
    assert furnished.inferences.consents(ID) == (an_inference().consent, withdrawn)
    assert furnished.inferences.inference(ID).consent == an_inference().consent
    with pytest.raises(InferenceNotFound):
        furnished.inferences.add_consent(InferenceId("x"), withdrawn, audit=an_audit())


def test_who_took_consent_back_last_is_told(furnished: Records) -> None:
    """Not who agreed, nor who refused, nor who agreed anew; and with that decision."""
    ids = [InferenceId(f"inference-{number}") for number in range(4)]
    for number, inference_id in enumerate(ids):
        consent = a_consent(id=ConsentId(f"consent-{number}"))
        add(furnished, an_inference(id=inference_id, consent=consent))
    back = a_consent(id=ConsentId("back"), decision=ConsentDecision.WITHDRAWN)
    for inference_id in ids[1:3]:
        own = replace(back, id=ConsentId(f"back-{inference_id}"))
        furnished.inferences.add_consent(inference_id, own, audit=an_audit())
    furnished.inferences.add_consent(ids[2], a_consent(id=ConsentId("anew")), audit=an_audit())
    found = [(one.id, consent.id) for one, consent in furnished.inferences.withdrawn()]
    assert found == [(ids[1], ConsentId(f"back-{ids[1]}"))]


@pytest.mark.parametrize("n_page", [1, 2, 500])
def test_all_inferences_come_in_the_order_received(furnished: Records, n_page: int) -> None:
    """Whatever the size of the page."""
    ids = [InferenceId(f"inference-{number}") for number in (3, 1, 2)]
    for inference_id in ids:
        add(furnished, an_inference(id=inference_id))
    assert [i.id for i in furnished.inferences.each(n_page=n_page)] == ids


@pytest.fixture
def listed(furnished: Records) -> Records:
    """Four inferences that differ in everything a list may filter by."""
    other = a_user(id=UserId("user-2"), username="other", email="other@example.org")
    furnished.accounts.add_user(other, "hash", audit=an_audit())
    form = {"rgh": "20000000A", "local": "Outro"}
    add(furnished, an_inference(), a_result())
    add(furnished, an_inference(id=InferenceId("mine"), captured_at=later(10), form=form))
    add(
        furnished,
        an_inference(id=InferenceId("old"), captured_at=later(-90), hospital_id=None),
        a_result(id=ResultId("result-2"), inference_id=InferenceId("old"), **UNAVAILABLE),
    )
    collection: dict[str, Any] = {"model_id": None, "model_name": None, "form": {}}
    add(
        furnished,
        an_inference(
            id=InferenceId("other"),
            user_id=other.id,
            purpose=Purpose.COLLECTION,
            captured_at=later(20),
            **collection,
        ),
    )
    return furnished


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["other", "mine", "inference-1", "old"]),
        ({"descending": False}, ["old", "inference-1", "mine", "other"]),
        ({"user_id": "user-2"}, ["other"]),
        ({"hospital_id": HospitalId("hospital-1")}, ["other", "mine", "inference-1"]),
        ({"rgh_prefix": "2000"}, ["mine"]),
        ({"rgh_prefix": "_%"}, []),
        ({"local": "Outro"}, ["mine"]),
        ({"status": InferenceStatus.COMPLETED}, ["old"]),
        ({"diagnosis": Diagnosis.INCONCLUSIVE}, ["old"]),
        ({"diagnosis": Diagnosis.POSITIVE}, []),
        ({"model_id": "model-1"}, ["mine", "inference-1", "old"]),
        ({"purpose": Purpose.COLLECTION}, ["other"]),
        ({"captured_from": later(10)}, ["other", "mine"]),
        ({"captured_to": later(-30)}, ["inference-1", "old"]),
        ({"captured_from": later(-30), "captured_to": later(10)}, ["mine", "inference-1"]),
        ({"sort": SortKey.LOCAL}, ["mine", "old", "inference-1", "other"]),
        ({"sort": SortKey.RGH, "descending": False}, ["other", "inference-1", "old", "mine"]),
        ({"sort": SortKey.DIAGNOSIS}, ["old", "other", "mine", "inference-1"]),
        ({"user_id": "user-1", "limit": 2}, ["mine", "inference-1"]),
    ],
)
def test_a_list_is_filtered_and_sorted(
    listed: Records, asked: dict[str, Any], expected: list[str]
) -> None:
    """Absent values come before all others; equal ones are in the order of their ids."""
    page = listed.inferences.find(InferenceQuery(**asked))
    assert [inference.id for inference in page.inferences] == expected
    assert page.inferences == tuple(
        listed.inferences.inference(inference.id) for inference in page.inferences
    )
    assert (page.next is not None) == ("limit" in asked)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("sort", SortKey)
def test_pages_are_the_list(
    listed: Records,
    sort: SortKey,
    descending: bool,
    limit: int,
) -> None:
    """Page after page gives every row once, in the order of the whole list."""
    query = InferenceQuery(sort=sort, descending=descending)
    whole = listed.inferences.find(query).inferences
    pages = [listed.inferences.find(replace(query, limit=limit))]
    while pages[-1].next is not None:
        pages.append(listed.inferences.find(replace(query, limit=limit, after=pages[-1].next)))
    assert tuple(inference for page in pages for inference in page.inferences) == whole
    assert [len(page.inferences) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert len(pages[-1].inferences) > 0


@pytest.mark.parametrize(
    "after", ["", "x", "é", "bnVsbA", "W10=", "WyJyZ2giLHRydWUsImEiLCJiIl0=", "[" * 5000]
)
def test_a_cursor_that_is_not_ours_is_refused(listed: Records, after: str) -> None:
    """Garbage, JSON of another shape and spellings we never use blame the field `after`."""
    with pytest.raises(InvalidRequest) as raised:
        listed.inferences.find(InferenceQuery(limit=1, after=after))
    assert [error.field for error in raised.value.errors] == ["after"]


@pytest.mark.parametrize("change", [{"sort": SortKey.RGH}, {"descending": False}])
def test_a_cursor_belongs_to_one_order(listed: Records, change: dict[str, Any]) -> None:
    """The place in one order is no place in another."""
    query = InferenceQuery(limit=1)
    cursor = listed.inferences.find(query).next
    with pytest.raises(InvalidRequest):
        listed.inferences.find(replace(query, after=cursor, **change))


def test_a_cursor_holds_an_id_and_nothing_of_the_patient(listed: Records) -> None:
    """Neither plainly nor encoded, whatever the list is sorted by."""
    query = InferenceQuery(sort=SortKey.RGH, limit=1)
    page = listed.inferences.find(query)
    rgh = str(page.inferences[0].form["rgh"])
    assert page.next is not None
    decoded = base64.urlsafe_b64decode(page.next + "=" * (-len(page.next) % 4)).decode()
    assert rgh not in decoded
    assert page.inferences[0].id in decoded


def test_a_cursor_of_another_users_list_is_refused(listed: Records) -> None:
    """Whoever guesses an id learns no place of it."""
    page = listed.inferences.find(InferenceQuery(limit=1))
    query = InferenceQuery(user_id=UserId("nobody"), limit=1, after=page.next)
    with pytest.raises(InvalidRequest):
        listed.inferences.find(query)


def test_a_window_by_the_clock_of_the_box(listed: Records) -> None:
    """When it was received counts, not when a tablet says it was taken."""
    stored = list(listed.inferences.each())
    limit = max(one.received_at for one in stored)
    found = listed.inferences.find(InferenceQuery(received_from=limit)).inferences
    assert {one.id for one in found} == {one.id for one in stored if one.received_at >= limit}
    beyond = InferenceQuery(received_from=limit + timedelta(microseconds=1))
    assert listed.inferences.find(beyond).inferences == ()
