"""Who may what (API.md §5): every route, asked by each kind of person, has a stated answer.

A route without a row fails, and so does a row without a route.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import httpx
import pytest
from litestar import Litestar

from appliance.core.account import Role
from appliance.web.application import create_web
from tests.builders import NOON
from tests.form_2022 import FORM_2022
from tests.web.boxes import Box, Person
from tests.web.scenes import Scene

OTHERS: Final = ("nobody", "owner", "colleague", "stranger", "researcher", "admin")
"""Columns: without a token, the nurse of the path, one of the same hospital, one of another."""

ROWS: Final[dict[str, tuple[int, int, int, int, int, int]]] = {
    # route                                       nobody own same other res admin
    "POST /v1/users/auth": (200, 200, 200, 200, 200, 200),
    "DELETE /v1/users/auth": (401, 204, 204, 204, 204, 204),
    "POST /v1/users/auth/refresh": (401, 401, 401, 401, 401, 401),
    "POST /v1/users": (401, 403, 403, 403, 403, 200),
    "GET /v1/users": (401, 403, 403, 403, 403, 200),
    "GET /v1/users/me": (401, 200, 200, 200, 200, 200),
    "GET /v1/users/{user_id}": (401, 200, 403, 403, 403, 200),
    "PATCH /v1/users/{user_id}": (401, 403, 403, 403, 403, 200),
    "POST /v1/users/{user_id}/password": (401, 200, 403, 403, 403, 200),
    "GET /v1/models": (401, 200, 200, 200, 200, 200),
    "GET /v1/models/{model_id}": (401, 200, 200, 200, 200, 200),
    "POST /v1/models": (401, 403, 403, 403, 403, 200),
    "GET /v1/hospitals": (401, 200, 200, 200, 200, 200),
    "POST /v1/hospitals": (401, 403, 403, 403, 403, 201),
    "PATCH /v1/hospitals/{hospital_id}": (401, 403, 403, 403, 403, 200),
    "GET /v1/hospitals/{hospital_id}/inferences": (401, 200, 200, 403, 403, 403),
    "GET /v1/protocols/current": (401, 200, 200, 200, 200, 200),
    "GET /v1/protocols/{protocol_id}": (401, 200, 200, 200, 200, 200),
    "POST /v1/users/{user_id}/inferences": (401, 200, 403, 403, 403, 403),
    "GET /v1/users/{user_id}/inferences": (401, 200, 403, 403, 403, 403),
    "GET /v1/users/{user_id}/inferences/{inference_id}": (401, 200, 403, 403, 403, 403),
    "PUT /v1/users/{user_id}/inferences/{inference_id}": (401, 409, 403, 403, 403, 403),
    "GET /v1/users/{user_id}/inferences/{inference_id}/result": (401, 200, 403, 403, 403, 403),
    "PUT /v1/users/{user_id}/inferences/{inference_id}/disagreement": (
        *(401, 204, 403),
        *(403, 403, 403),
    ),
    "GET /v1/users/{user_id}/inferences/{inference_id}/results": (401, 200, 403, 403, 200, 200),
    "GET /v1/users/{user_id}/inferences/{inference_id}/recordings/{recording_id}": (
        *(401, 200, 403),
        *(403, 403, 403),
    ),
    "PUT /v1/users/{user_id}/recordings/{recording_id}": (401, 201, 403, 403, 403, 403),
    "GET /v1/users/{user_id}/events": (401, 200, 403, 403, 403, 403),
    "GET /v1/outbox-key": (200, 200, 200, 200, 200, 200),
    "PUT /v1/envelopes/{item_id}": (401, 422, 422, 422, 403, 403),
    "POST /v1/envelopes/missing": (401, 200, 200, 200, 403, 403),
    "POST /v1/tablets": (422, 422, 422, 422, 422, 422),
    "POST /v1/tablets/me/heartbeat": (401, 200, 200, 200, 403, 403),
    "GET /v1/box": (200, 200, 200, 200, 200, 200),
    "GET /": (404, 404, 404, 404, 404, 404),
    "GET /health/live": (200, 200, 200, 200, 200, 200),
    "GET /health/ready": (200, 200, 200, 200, 200, 200),
    "GET /metrics": (403, 403, 403, 403, 403, 403),
    "GET /schema": (401, 403, 403, 403, 403, 200),
    "GET /schema/openapi.json": (401, 403, 403, 403, 403, 200),
    "GET /schema/{path}": (401, 403, 403, 403, 403, 404),
}
"""/ is the web app, which is not built here; /metrics asks for an address, not for a person: the
test client has none of the list."""


BODILESS: Final = frozenset({"PUT /v1/users/{user_id}/inferences/{inference_id}/disagreement"})
"""Changes whose address says everything."""


def routes(app: Litestar) -> Iterator[str]:
    """Yield every method and path the application serves, but the answers to OPTIONS."""
    for route in app.routes:
        for method in getattr(route, "route_handler_map", {}):
            if method != "OPTIONS":
                yield f"{method} {route.path_format}"


def test_every_route_has_a_row_and_every_row_a_route(box: Box) -> None:
    """A new route cannot be forgotten here, nor a removed one linger."""
    app = create_web(box.appliance(), readiness=box.readiness)
    assert set(routes(app)) == set(ROWS)


@pytest.mark.parametrize("route", ROWS)
def test_the_row_holds(scene: Scene, route: str) -> None:
    """Each person gets the stated status for a request that is valid in itself."""
    expected = dict(zip(OTHERS, ROWS[route], strict=True))
    assert {who: scene.request(route, who).status_code for who in OTHERS} == expected


def test_the_next_shift_sees_form_and_result_but_no_recording(scene: Scene) -> None:
    """A colleague reads what she needs for the patient; who saw what is on record."""
    answer = scene.request("GET /v1/hospitals/{hospital_id}/inferences", "colleague")
    (seen,) = answer.json()["inferences"]
    assert seen["rgh"] == FORM_2022["rgh"]
    assert seen["result"]["diagnosis"] == seen["diagnosis"] != "not available"
    assert "recordings" not in seen
    opened = list(scene.box.records.audit.rows())[-1].entry
    assert opened.action == "hospital.shift-opened"
    assert opened.actor == scene.people["colleague"].user.id
    assert opened.details["inference_ids"] == scene.inference_id


def test_an_admin_sees_where_results_stand_but_nothing_they_say(scene: Scene) -> None:
    """States and ids only; that they were opened is on record."""
    route = "GET /v1/users/{user_id}/inferences/{inference_id}/results"
    (seen,) = scene.request(route, "admin").json()["results"]
    assert seen["state"] == "done"
    assert not seen.keys() & {"diagnosis", "output", "probability", "reason", "reason_subject"}
    assert list(scene.box.records.audit.rows())[-1].entry.action == "inference.opened"


def test_a_researcher_sees_results_without_form(scene: Scene) -> None:
    """What models said, and nothing of the patient."""
    route = "GET /v1/users/{user_id}/inferences/{inference_id}/results"
    answer = scene.request(route, "researcher").json()
    assert answer["results"][0]["probability"] is not None
    assert answer.keys() == {"results"}
    assert FORM_2022["rgh"] not in str(answer)


OF_ONE_INFERENCE: Final = [
    route for route in ROWS if "{user_id}" in route and "_id}" in route.partition("{user_id}")[2]
]
OWN_PATH_OTHERS_ID: Final = {
    "PUT /v1/users/{user_id}/recordings/{recording_id}": 409,
    "PUT /v1/users/{user_id}/inferences/{inference_id}": 409,
}
"""What is sent under an id that is another's conflicts; what is asked for is not there."""


@pytest.mark.parametrize("route", OF_ONE_INFERENCE)
@pytest.mark.parametrize("who", ["colleague", "stranger", "researcher", "admin"])
def test_anothers_id_below_ones_own_path_opens_nothing(scene: Scene, route: str, who: str) -> None:
    """Being the user of the path says nothing of the inference or recording that is named."""
    method, path = route.split(" ")
    asker = scene.people[who]
    stored = scene.box.records.inferences.inference(scene.inference_id)  # type: ignore[arg-type]
    filled = path.format(
        user_id=asker.user.id,
        inference_id=scene.inference_id,
        recording_id=stored.attachments[0].recording_id,
    )
    n_rows = len(list(scene.box.records.audit.rows()))
    answer = asker.call(method, filled, **scene.sent(route))
    is_nurse = asker.user.role is Role.NURSE
    sees_all_results = path.endswith("/results") and not is_nurse
    expected = OWN_PATH_OTHERS_ID.get(route, 404) if is_nurse else 404 if sees_all_results else 403
    assert answer.status_code == expected, answer.text
    assert FORM_2022["rgh"] not in answer.text
    assert len(list(scene.box.records.audit.rows())) == n_rows


@pytest.mark.parametrize("who", ["colleague", "stranger"])
def test_anothers_recording_below_ones_own_inference_is_not_there(scene: Scene, who: str) -> None:
    """Nor does an inference of one's own open a recording that is not in it."""
    asker = scene.people[who]
    own = asker.post_2022().json()["inference_id"]
    stored = scene.box.records.inferences.inference(scene.inference_id)  # type: ignore[arg-type]
    recording_id = stored.attachments[0].recording_id
    answer = asker.call("GET", f"{asker.home}/inferences/{own}/recordings/{recording_id}")
    assert answer.status_code == httpx.codes.NOT_FOUND


@pytest.mark.parametrize("path", ["", "/result", "/results"])
def test_whoever_reads_the_diagnosis_of_one_is_remembered(scene: Scene, path: str) -> None:
    """Each address that gives a nurse her own settled diagnosis marks it; the list does not."""
    owner = scene.people["owner"]
    listed = owner.call("GET", f"{owner.home}/inferences").json()["inferences"][0]
    assert listed["first_shown_at"] is None
    scene.request("GET /v1/users/{user_id}/inferences/{inference_id}/results", "researcher")
    stored = scene.box.records.inferences.inference(scene.inference_id)  # type: ignore[arg-type]
    assert stored.first_shown_at is None
    owner.call("GET", f"{owner.home}/inferences/{scene.inference_id}{path}")
    listed = owner.call("GET", f"{owner.home}/inferences").json()["inferences"][0]
    assert listed["first_shown_at"] == NOON.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("path", ["", "/results"])
def test_what_has_no_answer_yet_was_not_shown(nurse: Person, path: str) -> None:
    """Looking whether it is there is no reading of it."""
    sent = nurse.post_2022().json()["inference_id"]
    nurse.call("GET", f"{nurse.home}/inferences/{sent}{path}")
    assert nurse.call("GET", f"{nurse.home}/inferences/{sent}").json()["first_shown_at"] is None
