"""Every route, every kind of answer: headers are there, and pages from elsewhere get nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import httpx
import pytest
from litestar.testing import TestClient

from appliance.core.errors import DiskFull, StorageFailed
from appliance.web.application import create_web
from appliance.web.headers import SECURITY_HEADERS
from tests.web.scenes import Scene
from tests.web.test_docs import BY_COOKIE
from tests.web.test_matrix import BODILESS, OTHERS, ROWS

STRICTER: Final = {
    "GET /v1/users/{user_id}/inferences/{inference_id}/recordings/{recording_id}": {
        "Content-Security-Policy": "sandbox"
    },
    "GET /v1/protocols/current": {"Cache-Control": "private, no-cache"},
    "GET /v1/protocols/{protocol_id}": {"Cache-Control": "private, no-cache"},
}
"""What good answers of these say instead: a file is no page, a protocol is nobody's secret."""

FOREIGN_ORIGINS: Final = (
    "https://evil.example",
    "http://evil.example",
    "http://box.local.evil.example",
    "http://box.local:81",
    "http://evil.example:80@box.local",
    "ftp://box.local",
    "box.local",
    "null",
    "file://",
    "",
)
FOREIGN_HOSTS: Final = ("evil.example", "box.local.evil.example", "127.0.0.1", "box.local@evil", "")
ASK_NOBODY: Final = {
    *("GET /health/live", "GET /metrics", "GET /v1/box", "GET /v1/outbox-key", "GET /"),
    *BY_COOKIE,
}
"""Routes that ask no table who is there: nothing of them breaks with it."""

WITH_BODY: Final = [
    route
    for route in ROWS
    if route.split(" ")[0] in {"POST", "PUT", "PATCH"} and route not in BY_COOKIE | BODILESS
]


def assert_headers(answer: httpx.Response, route: str = "") -> None:
    """Fail unless every security header is there, once and as it should be."""
    stricter = STRICTER.get(route, {}) if answer.is_success else {}
    for name, text in SECURITY_HEADERS.items():
        assert answer.headers.get_list(name) == [stricter.get(name, text)], (name, answer.text)
    for name in ("server", "x-powered-by", "clear-site-data", "access-control-allow-origin"):
        assert name not in answer.headers
    if answer.is_error:
        assert answer.headers["content-type"] == "application/problem+json"


def good(route: str) -> str:
    """Return someone whom the route answers with success; the owner where nobody is."""
    row = dict(zip(OTHERS, ROWS[route], strict=True))
    return next((who for who, status in row.items() if status < 300), "owner")


@pytest.mark.parametrize("route", ROWS)
def test_everyone_gets_the_headers(scene: Scene, route: str) -> None:
    """Whatever the answer is: good, unknown, forbidden, not there, in conflict."""
    for who in OTHERS:
        assert_headers(scene.request(route, who), route)


@pytest.mark.parametrize("route", ROWS)
def test_methods_nobody_takes_get_the_headers(scene: Scene, route: str) -> None:
    """OPTIONS tells the methods to anyone; HEAD, TRACE and invented ones are refused by name."""
    method, path = route.split(" ")
    filled = scene.filled(path)
    told = scene.http.request("OPTIONS", filled)
    assert told.status_code == 204, told.text
    assert method in told.headers["allow"].split(", ")
    assert_headers(told)
    for other in ("HEAD", "TRACE", "BREW", "CONNECT"):
        refused = scene.http.request(other, filled)
        assert refused.status_code == 405, (other, refused.status_code)
        assert set(refused.headers["allow"].split(", ")) == set(told.headers["allow"].split(", "))
        if other != "HEAD":
            assert_headers(refused)


@pytest.mark.parametrize("route", ROWS)
def test_foreign_names_and_pages_are_refused_on_every_route(scene: Scene, route: str) -> None:
    """With a good token and a good body: nothing is done, and nothing is told.

    Sign-in too: no visitor of a page elsewhere guesses passwords here for it.
    """
    n_rows = len(list(scene.box.records.audit.rows()))
    refused = [(421, "host-not-served", {"Host": host}) for host in FOREIGN_HOSTS]
    refused += [(403, "origin-not-served", {"Origin": origin}) for origin in FOREIGN_ORIGINS]
    for status, code, headers in refused:
        answer = asked(scene, route, headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code), headers
        assert_headers(answer)
    assert len(list(scene.box.records.audit.rows())) == n_rows
    row = dict(zip(OTHERS, ROWS[route], strict=True))
    own = asked(scene, route, {"Origin": "https://box.local"})  # TLS may end before the box
    assert own.status_code == row[good(route)]


@pytest.mark.parametrize("route", WITH_BODY)
def test_bodies_nobody_takes_get_the_headers(scene: Scene, route: str) -> None:
    """Another media type, a compressed one, one that is no JSON, one that is too large."""
    for headers, content, statuses in (
        ({"Content-Type": "text/plain"}, b"x", {415}),
        ({"Content-Type": "application/json"}, b"{", {400, 415}),
        ({"Content-Encoding": "gzip"}, b"x", {415}),
        ({"Content-Length": str(2**40)}, b"x", {413, 415}),
    ):
        answer = asked(scene, route, headers, content=content)
        assert answer.status_code in statuses, (headers, answer.text)
        assert_headers(answer)


@pytest.mark.parametrize("route", ROWS)
def test_a_box_at_fault_sends_the_headers(scene: Scene, route: str) -> None:
    """Whatever breaks below a route that asks who is there."""
    faults: tuple[tuple[type[Exception], int], ...] = (
        (StorageFailed, 503),
        (DiskFull, 507),
        (RuntimeError, 500),
    )
    for fault, status in faults:
        broken: Any = Broken(fault)
        app = create_web(
            replace(scene.box.appliance(), accounts=broken, jobs=broken, tablets=broken),
            readiness=scene.box.readiness,
        )
        with TestClient(app, base_url="http://box.local", raise_server_exceptions=False) as http:
            answer = asked(replace(scene, http=http), route, {})
        if route not in ASK_NOBODY:
            assert answer.status_code == status
        assert_headers(answer)


class Broken:
    """A port of which everything fails in one way."""

    def __init__(self, fault: type[Exception]) -> None:
        """Fail so from now on."""
        self._fault = fault

    def __getattr__(self, name: str) -> object:
        """Fail."""
        raise self._fault


def asked(
    scene: Scene,
    route: str,
    headers: dict[str, str],
    **other: Any,  # noqa: ANN401 - of httpx
) -> httpx.Response:
    """Send the valid request of someone who may, with these headers and what else differs."""
    scene.box.news.close()  # a stream of events ends after the first look
    method, path = route.split(" ")
    sent = scene.sent(route)
    if other:
        sent = {"params": sent.get("params", {}), "headers": sent.get("headers", {}), **other}
    who = good(route)
    bearer = {} if who == "nobody" else {"Authorization": f"Bearer {scene.people[who].token}"}
    sent["headers"] = {**sent.get("headers", {}), **bearer, **headers}
    return scene.http.request(method, scene.filled(path), **sent)
