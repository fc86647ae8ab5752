"""Every error has a status, and every answer carries the same headers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from appliance.core import errors
from appliance.core.account import Role
from appliance.core.errors import ApplianceError, DatabaseBusy, FieldError, StorageFailed
from appliance.web import problems
from appliance.web.application import create_web
from appliance.web.headers import SECURITY_HEADERS
from tests.web.asgi import speak
from tests.web.boxes import Box, Person, a_wav, new_id
from tests.web.test_compatibility import problem

FAMILIES = frozenset(
    (errors.Refused, errors.Denied, errors.Missing, errors.ModelFault, errors.StorageFault)
)


def leaves(kind: type[ApplianceError] = ApplianceError) -> Iterator[type[ApplianceError]]:
    """Yield every error that can be raised."""
    below = kind.__subclasses__()
    if not below:
        yield kind
    for child in below:
        yield from leaves(child)


@pytest.mark.parametrize("leaf", list(leaves()), ids=lambda leaf: leaf.__name__)
def test_every_error_has_a_status_of_its_family(leaf: type[ApplianceError]) -> None:
    """Nothing the appliance raises on purpose is a surprise to the web."""
    status = problems.status_of(leaf)
    family = next(parent for parent in leaf.__mro__ if parent in FAMILIES)
    faults_of_the_box = {errors.ModelFault, errors.StorageFault}
    assert status >= HTTPStatus.BAD_REQUEST
    if family is errors.StorageFault:
        assert status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if family not in faults_of_the_box:
        assert status < HTTPStatus.INTERNAL_SERVER_ERROR


def test_the_table_names_no_error_that_is_gone() -> None:
    """Each row is a family or a leaf."""
    assert set(problems.STATUS) <= FAMILIES | set(leaves())


def test_details_are_members_that_shadow_nothing() -> None:
    """Ids and counts go along; the members of RFC 9457 stay what they are."""
    error = DatabaseBusy("Busy.", status=1, code="x", n_waiting=3)
    body = problems.from_error(error).content
    assert (body["status"], body["code"], body["n_waiting"]) == (503, "database-busy", 3)


def test_a_field_somebody_named_is_not_repeated_at_length() -> None:
    """A client's own field names are cut."""
    error = errors.InvalidRequest(errors=(FieldError(field="x" * 999, code="c", message="m"),))
    body: Any = problems.from_error(error).content
    assert len(body["errors"][0]["field"]) == 128


class BrokenModels:
    """A port with a fault of programming in it."""

    def models(self) -> None:
        """Fail with something that must not get out."""
        raise RuntimeError("patient 14259401E in /var/lib/spira at SELECT * FROM models")


def test_what_nobody_expected_is_logged_under_an_id(
    box: Box, nurse: Person, caplog: pytest.LogCaptureFixture
) -> None:
    """The client gets the id; neither answer nor log has what the error says."""
    app = create_web(
        replace(box.appliance(), models=BrokenModels()),  # type: ignore[arg-type]
        readiness=box.readiness,
    )
    with (
        caplog.at_level(logging.ERROR),
        TestClient(app, base_url="http://box.local", raise_server_exceptions=False) as http,
    ):
        answer = http.get("/v1/models", headers={"Authorization": f"Bearer {nurse.token}"})
    assert problem(answer) == (500, "unexpected")
    (record,) = [entry for entry in caplog.records if entry.message == "request-failed"]
    assert record.__dict__["error_id"] == answer.json()["error_id"]
    assert record.__dict__["kind"] == "RuntimeError"
    assert record.__dict__["place"].startswith("tests.web.test_problems:")
    for text in (answer.text, caplog.text, str(record.__dict__)):
        assert "14259401E" not in text
        assert "SELECT" not in text
        assert "Traceback" not in text
    assert_headers(answer)


def assert_headers(answer: httpx.Response) -> None:
    """Fail unless every security header is there, exactly once and verbatim."""
    for name, text in SECURITY_HEADERS.items():
        assert answer.headers.get_list(name) == [text], name
    assert "server" not in answer.headers
    assert "clear-site-data" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers


def test_every_answer_carries_the_headers(
    http: TestClient[Litestar], box: Box, nurse: Person, admin: Person
) -> None:
    """Good answers, errors of every kind, pages and probes alike."""
    path = f"{nurse.home}/recordings/{new_id()}"
    answers = [
        (200, nurse.call("GET", "/v1/models/")),
        (201, nurse.put_recording("aceite", a_wav(), new_id())),
        (204, admin.call("OPTIONS", "/v1/models")),
        (200, admin.call("GET", "/schema")),
        (200, http.get("/health/live")),
        (503, http.get("/health/ready")),
        (400, nurse.put_recording("aceite", a_wav(), new_id(), Content_Digest="")),
        (401, http.get("/v1/models/")),
        (403, nurse.call("GET", "/v1/users/")),
        (404, http.get("/nothing")),
        (405, http.put("/v1/models/")),
        (413, http.post("/v1/users/auth", content=b"x" * 20_000, headers=FORM)),
        (415, nurse.call("PUT", path, params={"role": "aceite"}, content=b"x")),
        (421, http.get("/health/live", headers={"Host": "evil.example"})),
        (422, nurse.call("GET", "/v1/models/x")),
    ]
    box.audio.full = True
    answers.append((507, nurse.put_recording("aceite", a_wav(), new_id())))
    for status, answer in answers:
        assert answer.status_code == status, answer.text
        assert_headers(answer)


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    "path", ["/nothing", "/v1/models/x/y", "/%00", "/v1/%2e%2e/etc", "/schema"]
)
def test_nothing_says_where_it_is(http: TestClient[Litestar], path: str) -> None:
    """An address without a handler, or closed, is a problem and no page of the framework."""
    answer = http.get(path)
    assert problem(answer)[0] in {401, 404}


@pytest.mark.parametrize(
    ("host", "served"),
    [
        ("box.local", True),
        ("BOX.LOCAL:8443", True),
        ("box.local.evil.example", False),
        ("evil.example", False),
        ("", False),
        ("[::1]", False),
    ],
)
def test_only_our_own_names_are_served(http: TestClient[Litestar], host: str, served: bool) -> None:
    """A foreign name that resolves to the box (DNS rebinding) gets nothing."""
    answer = http.get("/health/live", headers={"Host": host})
    assert answer.status_code == (200 if served else 421)


def test_a_box_may_be_told_to_answer_to_an_ipv6_address(box: Box) -> None:
    """The settings write it in brackets, as the header does."""
    box.settings = replace(box.settings, allowed_hosts=("[::1]",))
    with box.serving() as http:
        assert http.get("/health/live", headers={"Host": "[::1]:8000"}).status_code == 200
        for host in ("[::1]x", "[::1]:8000x", "[::1", "[[::1]]"):
            assert http.get("/health/live", headers={"Host": host}).status_code == 421, host


def test_other_origins_are_served_only_where_the_settings_say_so(box: Box) -> None:
    """CORS is off; one setting lists the origins of a 2022 app served elsewhere."""
    origin = {"Origin": "https://app.example"}
    with box.serving() as http:
        assert "access-control-allow-origin" not in http.get("/health/live", headers=origin).headers
    box.settings = replace(box.settings, cors_origins=("https://app.example",))
    with box.serving() as http:
        answer = http.get("/health/live", headers=origin)
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        other = http.get("/health/live", headers={"Origin": "https://evil.example"})
        assert other.headers.get("access-control-allow-origin") != "https://evil.example"


def test_readiness_follows_models_and_storage(box: Box, http: TestClient[Litestar]) -> None:
    """Not ready until models are loaded, and not again after the disk failed."""
    assert http.get("/health/ready").json()["lacking"] == ["workers", "models"]
    box.readiness.begun.set()
    box.readiness.begun.set()
    box.readiness.models_loaded.set()
    assert http.get("/health/ready").json() == {"status": "ready", "version": "0.1.0"}
    box.readiness.storage_failed.set()
    answer = http.get("/health/ready")
    assert (problem(answer), answer.json()["lacking"]) == ((503, "not-ready"), ["storage"])


@pytest.mark.parametrize(
    ("peer", "status"),
    [("127.0.0.1", 200), ("::1", 200), ("192.0.2.9", 200), ("192.0.2.8", 403), ("nonsense", 403)],
)
def test_counts_are_for_listed_addresses(box: Box, peer: str, status: int) -> None:
    """The box itself and the addresses of the settings; nothing of patients is in there."""
    box.settings = replace(box.settings, metrics_addresses=("192.0.2.9",))
    with box.serving() as http:
        nurse = box.add_person(http, "lia", Role.NURSE)
        nurse.post_2022()
        answered, headers, body = asyncio.run(speak(http.app, "GET", "/metrics", peer=peer))
    assert answered == status
    if status == HTTPStatus.OK:
        lines = body.decode().splitlines()
        assert 'spira_results{state="queued"} 1' in lines
        assert "spira_ready 0" in lines
        assert any(line.startswith('spira_http_responses_total{status="200"}') for line in lines)
        assert headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


def test_a_protocol_that_is_not_here_is_not_repeated(nurse: Person) -> None:
    """Its id is any text a client sends, unlike the ids that are UUIDs."""
    answer = nurse.call("GET", "/v1/protocols/Maria-da-Silva")
    assert problem(answer) == (404, "protocol-not-found")
    assert "Maria" not in answer.text


def test_a_disk_that_failed_before_a_token_was_checked(box: Box, nurse: Person) -> None:
    """A fault of the box is never answered with 401: nobody would sign in again for nothing."""

    class FailingAccounts:
        def token_user(self, *_: object, **__: object) -> None:
            raise StorageFailed

    app = create_web(
        replace(box.appliance(), accounts=FailingAccounts()),  # type: ignore[arg-type]
        readiness=box.readiness,
    )
    with TestClient(app, base_url="http://box.local") as http:
        answer = http.get("/v1/models", headers={"Authorization": f"Bearer {nurse.token}"})
    assert problem(answer) == (503, "storage-failed")
