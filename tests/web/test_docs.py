"""The OpenAPI document says what the box does, and its page needs nobody else."""

from __future__ import annotations

import re
from typing import Any

import pytest

from appliance.server import openapi_document
from appliance.web.application import create_web
from tests.web.boxes import Box, Person
from tests.web.test_compatibility import problem
from tests.web.test_matrix import BODILESS, OTHERS, ROWS


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document of the whole API."""
    box = Box()
    return openapi_document(create_web(box.appliance(), readiness=box.readiness))


def operation(document: dict[str, Any], route: str) -> dict[str, Any]:
    """Return what the document says of a route."""
    method, path = route.split(" ")
    found: dict[str, Any] = document["paths"][path][method.lower()]
    return found


BY_COOKIE = {"POST /v1/users/auth/refresh"}
"""Takes neither a token nor a body: a cookie is all it asks for."""

DESCRIBED = [route for route in ROWS if "/schema" not in route and route != "GET /"]


@pytest.mark.parametrize("route", DESCRIBED)
def test_every_status_of_the_matrix_is_described(document: dict[str, Any], route: str) -> None:
    """And what any address may answer; errors are problems."""
    said = operation(document, route)["responses"]
    expected = {str(status) for status in ROWS[route]} | {"403", "421", "500", "503"}
    assert set(said) >= expected
    for status, response in said.items():
        if status >= "400":
            assert list(response["content"]) == ["application/problem+json"]


@pytest.mark.parametrize("route", DESCRIBED)
def test_open_routes_are_described_as_open(document: dict[str, Any], route: str) -> None:
    """Exactly those that nobody needs a token for."""
    is_open = dict(zip(OTHERS, ROWS[route], strict=True))["nobody"] != 401 or route in BY_COOKIE
    assert (operation(document, route).get("security") == []) is is_open


@pytest.mark.parametrize(
    "route",
    [r for r in DESCRIBED if r[:3] in {"POS", "PUT", "PAT"} and r not in BY_COOKIE | BODILESS],
)
def test_every_body_is_described(document: dict[str, Any], route: str) -> None:
    """With its media type, and a schema that resolves."""
    body = operation(document, route)["requestBody"]
    ((_, content),) = body["content"].items()
    schema = content["schema"]
    name = schema.get("$ref", "").rpartition("/")[2]
    assert name in document["components"]["schemas"] if name else schema["type"]


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    """Nothing points at a schema that is not there."""
    names = set(re.findall(r"#/components/schemas/([A-Za-z0-9_.]+)", str(document)))
    assert names <= set(document["components"]["schemas"])


def test_lists_say_what_they_take(document: dict[str, Any]) -> None:
    """Page, order and filters."""
    said = operation(document, "GET /v1/users/{user_id}/inferences")["parameters"]
    assert {"limit", "after", "sort", "order", "q", "from", "to"} <= {one["name"] for one in said}


def test_the_page_needs_no_script_and_no_other_server(admin: Person) -> None:
    """It obeys the policy every answer carries."""
    page = admin.call("GET", "/schema/").text
    assert "PUT /v1/users/{user_id}/recordings/{recording_id}" in page
    assert not re.search(r"<script|<style|style=|https?://|onclick", page)


def test_the_document_is_served_as_openapi(admin: Person, document: dict[str, Any]) -> None:
    """The same one that the console prints."""
    answer = admin.call("GET", "/schema/openapi.json")
    assert answer.headers["content-type"].startswith("application/vnd.oai.openapi+json")
    assert answer.json() == document


def test_an_unknown_address_below_the_schema_is_a_problem(admin: Person) -> None:
    """As everywhere else, and no page of the framework."""
    answer = admin.call("GET", "/schema/elsewhere")
    assert problem(answer) == (404, "not-found")
    assert answer.headers["content-type"].startswith("application/problem+json")
