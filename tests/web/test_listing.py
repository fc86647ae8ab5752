"""Lists: pages that neither lose nor repeat, and filters that say what they do not take."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from appliance.core.diagnosis import Diagnosis
from appliance.core.errors import InvalidRequest
from appliance.core.inference import InferenceStatus, Purpose, SortKey
from appliance.web.listing import read_query
from tests.builders import NOON
from tests.form_2022 import FORM_2022
from tests.web.boxes import Box, Person, new_id


def test_without_parameters_the_whole_list_is_meant() -> None:
    """As in 2022; others' parameters do not change that."""
    assert read_query({"cachebuster": "1"}, whole_by_default=True).limit is None
    assert read_query({}, whole_by_default=False).limit == 50


@pytest.mark.parametrize("parameter", ["after", "sort", "q", "status", "local"])
def test_with_any_parameter_a_page_is_meant(parameter: str) -> None:
    """Of fifty, unless it says otherwise."""
    text = {"sort": "rgh", "status": "completed"}.get(parameter, "x")
    assert read_query({parameter: text}, whole_by_default=True).limit == 50


def test_every_parameter_is_read() -> None:
    """Each ends up in its own place of the query."""
    query = read_query(
        {
            "limit": "200",
            "after": "cursor",
            "sort": "model_name",
            "order": "asc",
            "q": "142",
            "status": "error",
            "diagnosis": "inconclusive",
            "local": "HC",
            "from": "2026-03-01",
            "to": "2026-03-01",
            "purpose": "collection",
        },
        whole_by_default=True,
    )
    assert (query.limit, query.after, query.sort) == (200, "cursor", SortKey.MODEL_NAME)
    assert (query.descending, query.rgh_prefix, query.local) == (False, "142", "HC")
    assert query.status is InferenceStatus.ERROR
    assert query.diagnosis is Diagnosis.INCONCLUSIVE
    assert query.purpose is Purpose.COLLECTION
    midnight = NOON.replace(hour=0)
    assert query.captured_from == midnight
    assert query.captured_to == midnight + timedelta(days=1) - timedelta(microseconds=1)


@pytest.mark.parametrize("text", ["2026-03-01T09:00:00-03:00", "2026-03-01T12:00:00 00:00"])
def test_instants_have_a_zone(text: str) -> None:
    """A plus sign nobody escaped arrives as a blank."""
    assert read_query({"from": text}, whole_by_default=True).captured_from == NOON


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "-1"),
        ("limit", "ten"),
        ("limit", "٣"),
        ("sort", "gender"),
        ("order", "up"),
        ("status", "done"),
        ("diagnosis", "sick"),
        ("model_id", "x"),
        ("from", "yesterday"),
        ("from", "2026-03-01T12:00:00"),
        ("to", "9999-12-31T23:59:59-23:59"),
        ("purpose", "fun"),
        ("q", "1" * 513),
    ],
)
def test_what_a_list_does_not_take_is_named(name: str, text: str) -> None:
    """By the parameter, without what was in it."""
    with pytest.raises(InvalidRequest) as refusal:
        read_query({name: text}, whole_by_default=True)
    (fault,) = refusal.value.errors
    assert fault.field == name
    assert text not in fault.message


def test_pages_follow_each_other(box: Box, nurse: Person) -> None:
    """Each inference once, in order, until there is no next page."""
    ids = []
    for minute in range(5):
        box.clock.now = NOON.replace(minute=minute)
        ids.append(nurse.post_2022().json()["inference_id"])
    seen: list[str] = []
    parameters = {"limit": "2", "order": "asc"}
    while True:
        page = nurse.call("GET", f"{nurse.home}/inferences", params=parameters).json()
        seen += [inference["id"] for inference in page["inferences"]]
        if page["next"] is None:
            break
        parameters["after"] = page["next"]
    assert seen == ids


def test_filters_leave_out_what_does_not_fit(nurse: Person) -> None:
    """By the first characters of the RGH."""
    nurse.post_2022()
    nurse.post_2022({**FORM_2022, "rgh": "13817615A"})
    found = nurse.call("GET", f"{nurse.home}/inferences", params={"q": "138"}).json()
    assert [inference["rgh"] for inference in found["inferences"]] == ["13817615A"]


def test_the_next_shift_looks_back_three_days(box: Box, nurse: Person, colleague: Person) -> None:
    """What is older is not shown, whatever the request asks for."""
    box.clock.now = NOON - timedelta(hours=73)
    nurse.post_2022()
    box.clock.now = NOON
    path = f"/v1/hospitals/{box.hospital.id}/inferences"
    seen = colleague.call("GET", path, params={"from": "2020-01-01"}).json()
    assert seen["inferences"] == []


def test_the_next_shift_goes_by_the_clock_of_the_box(box: Box, nurse: Person) -> None:
    """A tablet that was offline, or whose clock is wrong, hides no patient."""
    body = {
        "purpose": "collection",
        "consent": {"decision": "refused", "taken_at": "2020-01-01T12:00:00Z"},
        "captured_at": "2020-01-01T12:00:00Z",
    }
    sent = nurse.post_2022().json()["inference_id"]
    old = nurse.call("PUT", f"{nurse.home}/inferences/{new_id()}", json=body)
    assert old.status_code == httpx.codes.CREATED
    stored = box.records.inferences.inference(sent)
    box.records.jobs.inferences[stored.id] = replace(stored, captured_at=NOON - timedelta(days=99))
    path = f"/v1/hospitals/{box.hospital.id}/inferences"
    assert [one["id"] for one in nurse.call("GET", path).json()["inferences"]] == [sent]
    box.clock.move(timedelta(hours=73))
    nurse_again = box.add_person(nurse.http, "gil", nurse.user.role, box.hospital.id)
    assert nurse_again.call("GET", path).json()["inferences"] == []


def test_a_cursor_holds_nothing_of_the_patient(nurse: Person) -> None:
    """It becomes part of an address: an id, and no RGH."""
    for _ in range(2):
        nurse.post_2022()
    asked = {"sort": "rgh", "limit": "1"}
    cursor = nurse.call("GET", f"{nurse.home}/inferences", params=asked).json()["next"]
    decoded = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    assert FORM_2022["rgh"].encode() not in decoded
    after = {**asked, "after": cursor}
    following = nurse.call("GET", f"{nurse.home}/inferences", params=after).json()
    assert len(following["inferences"]) == 1
