"""Bodies of programs: bounded before they are decoded, and never slow for anyone else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient

from appliance.core.errors import MalformedRequest
from appliance.web.bodies import HospitalChangeBody
from appliance.web.requests import MAX_JSON_CONTAINERS, brackets_of, decoded, is_deeper_than
from tests.web.boxes import PASSWORD, Person
from tests.web.test_compatibility import problem

DOCUMENTS = st.recursive(
    st.none() | st.integers() | st.text(alphabet='[]{}"\\a,é'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('[{"\\'), inner),
    max_leaves=20,
)


def depth_of(document: object) -> int:
    """Return how many lists and objects are inside of each other."""
    if isinstance(document, dict):
        document = list(document.values())
    if isinstance(document, list):
        return 1 + max(map(depth_of, document), default=0)
    return 0


@given(DOCUMENTS, st.integers(0, 8))
def test_depth_is_that_of_the_decoded_document(document: object, max_depth: int) -> None:
    """Brackets in texts do not count, escaped quotes end no text."""
    for ascii_only in (True, False):
        encoded = json.dumps(document, ensure_ascii=ascii_only).encode()
        assert is_deeper_than(brackets_of(encoded), max_depth) is (depth_of(document) > max_depth)


@pytest.mark.parametrize("document", [b"[" * 21, b"[" * 50_000, b"[" * 21 + b"x" + b"]" * 21])
def test_what_opens_too_much_is_refused_before_it_is_decoded(document: bytes) -> None:
    """Closed or not."""
    assert is_deeper_than(brackets_of(document), 20)


def test_a_body_of_brackets_is_refused_before_it_is_decoded() -> None:
    """The count of lists and objects is bounded, not only their depth."""
    lists = b'{"rgh_rule":{"x":[' + b"[]," * MAX_JSON_CONTAINERS + b"[]]}}"
    with pytest.raises(MalformedRequest, match="too many"):
        decoded(lists, HospitalChangeBody, max_depth=20)


def test_the_settings_say_how_deep(admin: Person) -> None:
    """The depth of the settings is the one that holds."""
    rule: dict[str, Any] = {}
    for _ in range(30):
        rule = {"x": rule}
    answer = admin.call("POST", "/v1/hospitals/", json={"name": "x", "rgh_rule": rule})
    assert (problem(answer), answer.json()["max_depth"]) == ((400, "malformed-request"), 20)


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("multipart/form-data; boundary=b", b"--b--\r\n", 422),
        ("multipart/form-data", b"--b--\r\n", 400),
        ("multipart/form-data; boundary=b; charset=zzz", b"nothing", 400),
        ("application/x-www-form-urlencoded; charset=zzz", b"username=x", 422),
        ("application/x-www-form-urlencoded", b"username=%ff&password=x", 400),
        ("application/x-www-form-urlencoded", b"username=\xff", 400),
        ("text/plain", b"username=ana", 415),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="username"\r\n\r\n\xff\r\n--b--\r\n',
            400,
        ),
    ],
)
def test_a_sign_in_that_cannot_be_read_is_the_clients_fault(
    http: TestClient[Litestar], content_type: str, body: bytes, status: int
) -> None:
    """Whatever it is, never a fault of the box."""
    headers = {"Content-Type": content_type}
    assert problem(http.post("/v1/users/auth", content=body, headers=headers))[0] == status


@pytest.mark.parametrize("charset", ["", "; charset=zzz"])
def test_a_multipart_sign_in_is_taken_too(
    http: TestClient[Litestar], nurse: Person, charset: str
) -> None:
    """As 2022's framework took it; the texts are UTF-8 whatever the header says."""
    fields = {"username": nurse.user.username, "password": PASSWORD}
    body = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
        for name, text in fields.items()
    )
    headers = {"Content-Type": f"multipart/form-data; boundary=b{charset}"}
    answer = http.post("/v1/users/auth", content=f"{body}--b--\r\n", headers=headers)
    assert answer.json()["id"] == nurse.user.id


def test_a_compressed_body_is_refused(nurse: Person) -> None:
    """Nothing here is decompressed."""
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    answer = nurse.call("PUT", f"{nurse.home}/inferences/x", content=b"\x1f\x8b", headers=headers)
    assert problem(answer) == (415, "unsupported-media-type")
