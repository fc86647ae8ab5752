"""Requests with a planted value in every place a client can write to."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Final

import httpx

from tests.form_2022 import FORM_2022
from tests.system.boxes import Box, Client, content_digest
from tests.torture.personal import canary

HEADERS: Final = (
    *("User-Agent", "Referer", "Cookie", "Authorization", "Accept", "Accept-Language"),
    *("X-Forwarded-For", "Content-Digest", "Range", "If-None-Match", "Content-Type"),
    *("Content-Encoding", "Host", "Origin", "X-Request-Id", "Traceparent"),
)
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


def everything(box: Box, golden: Mapping[str, bytes], number: int) -> Iterator[httpx.Response]:
    """Yield the answers to all that is planted."""
    nurse, admin = box.sign_in("nurse"), box.sign_in("admin")
    yield from in_paths_and_headers(nurse)
    yield from by_an_admin(admin, number)
    yield from in_multipart(nurse, golden)
    yield from in_json(nurse, golden)
    yield from of_lost_audio(box, nurse, golden)
    if not number:  # what follows is throttled
        yield from signing_in(box)


def signing_in(box: Box) -> Iterator[httpx.Response]:
    """Plant names and passwords, in the shapes a sign-in may have."""
    address = f"{box.address}/v1/users/auth"
    said = {"username": canary("user"), "password": canary("pass")}
    for _ in range(7):
        yield httpx.post(address, data=said)
    yield httpx.post(address, data=said, files={canary("part"): (canary("file"), b"x")})
    yield httpx.post(address, json=said)
    yield httpx.post(address, data={canary("name"): canary("value")})
    yield httpx.post(address, content=canary("x") * 4_000, headers=FORM)
    yield httpx.post(address, content=f"username={canary('x')}%ff&password=%ff", headers=FORM)
    for user in box.users.values():
        yield httpx.post(address, data={"username": user["username"], "password": canary("wrong")})


def in_paths_and_headers(nurse: Client) -> Iterator[httpx.Response]:
    """Plant ids, addresses, parameters and headers."""
    name = canary("path")
    paths = [
        *(f"/{name}", f"/v1/users/{name}", f"/v1/models/{name}", f"/v1/protocols/{name}"),
        *(f"/v1/hospitals/{name}/inferences", f"{nurse.home}/inferences/{name}"),
        *(f"{nurse.home}/inferences/{name}/result", f"/v1/users/{name}/inferences"),
        f"{nurse.home}/inferences/{name}/recordings/{name}",
    ]
    for path in paths:
        for method in ("GET", "PUT", "POST", "PATCH", "DELETE", "TRACE"):
            yield nurse.http.request(method, path, json={name: name})
    for parameter in ("limit", "after", "sort", "order", "q", "status", "model_id", "from", name):
        yield nurse.http.get(f"{nurse.home}/inferences", params={parameter: canary(parameter)})
    for header in HEADERS:
        for method, path in (("GET", "/v1/users/me"), ("POST", "/v1/users/auth")):
            sent = {header: canary(header.lower())}
            yield nurse.http.request(method, path, headers=sent, content=name)


def by_an_admin(admin: Client, number: int) -> Iterator[httpx.Response]:
    """Plant accounts, hospitals and models, taken and refused."""
    for end, password in (("@example.org", canary("password")), ("", canary("p")), ("@x.y", "")):
        yield admin.http.post(
            "/v1/users",
            json={
                "username": canary(f"account{number}"),
                "email": canary(f"mail{number}") + end,
                "password": password,
                "password_confirmation": password,
                "hospitals": [] if end else [canary("hospital")],
            },
        )
    for _ in range(2):
        yield admin.http.post("/v1/hospitals", json={"name": canary(f"hospital{number}")})
        yield admin.http.post(
            "/v1/models",
            json={"name": canary(f"model{number}"), "publishing_channel": canary("channel")},
        )
    yield admin.http.post("/v1/hospitals", json={"name": "x", "rgh_rule": {"pattern": canary("p")}})
    if not number:  # guessing at one's own old password is throttled
        wrong = {"old_password": canary("old"), "password": canary("new")}
        for again in (canary("new"), canary("other")):
            yield admin.http.post(
                f"{admin.home}/password", json={**wrong, "password_confirmation": again}
            )
    yield admin.http.patch(admin.home, json={"role": canary("role")})
    yield admin.http.patch(admin.home, json={"active": False})


def in_multipart(nurse: Client, golden: Mapping[str, bytes]) -> Iterator[httpx.Response]:
    """Plant every field of the 2022 request, one at a time, and names of files."""
    path = f"{nurse.home}/inferences"
    files = {role: (canary("file") + ".wav", wav, "audio/wav") for role, wav in golden.items()}
    yield nurse.http.post(path, data=FORM_2022, files=files)
    for name in (*FORM_2022, "model_id", canary("field")):
        yield nurse.http.post(path, data={**FORM_2022, name: canary(name)}, files=files)
    bad = {**files, "aceite": (canary("file"), canary("content").encode(), canary("type"))}
    yield nurse.http.post(path, data=FORM_2022, files=bad)
    cut = {"Content-Type": f"multipart/form-data; boundary={canary('boundary')}"}
    yield nurse.http.post(path, content=canary("content").encode(), headers=cut)
    digest = {"Content-Digest": content_digest(golden["aceite"]), "Content-Type": "audio/wav"}
    for asked in ({"role": canary("role")}, {"role": "aceite", "protocol": canary("protocol")}):
        yield nurse.http.put(
            f"{nurse.home}/recordings/{uuid.uuid4()}",
            params=asked,
            content=golden["aceite"],
            headers=digest,
        )


def in_json(nurse: Client, golden: Mapping[str, bytes]) -> Iterator[httpx.Response]:
    """Plant every value of an inference, one at a time."""
    sent = {}
    for role, wav in golden.items():
        stored = nurse.put_recording(role, wav)
        yield stored
        sent[role] = stored.json()["id"]
    body = nurse.inference_body(sent)
    for planted in with_each_value_planted(body):
        yield nurse.put_inference(planted, inference_id=str(uuid.uuid4()))
    taken = str(uuid.uuid4())
    for override in (canary("override"), canary("other")):
        yield nurse.put_inference({**body, "rgh_override": override}, inference_id=taken)


def with_each_value_planted(document: Any) -> Iterator[Any]:  # noqa: ANN401 - JSON
    """Yield copies of a document, each with another value replaced."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in items:
        deep = isinstance(value, dict | list) and value
        for planted in with_each_value_planted(value) if deep else (canary(str(key)),):
            copy = dict(document) if isinstance(document, dict) else list(document)
            copy[key] = planted
            yield copy


def of_lost_audio(box: Box, nurse: Client, golden: Mapping[str, bytes]) -> Iterator[httpx.Response]:
    """Open a recording beyond its end, and one whose file is gone: a fault of the box."""
    made = nurse.post_2022(golden).json()["inference_id"]
    nurse.wait_for_result(made)
    stored = nurse.http.get(f"{nurse.home}/inferences/{made}").json()
    path = f"{nurse.home}/inferences/{made}/recordings/{stored['recordings'][0]['id']}"
    yield nurse.http.get(path, headers={"Range": "bytes=999999999-"})
    for file in (box.data / "audio").glob("*.wav"):
        file.unlink()
    yield nurse.http.get(path)


def speak_nonsense(box: Box) -> None:
    """Plant values in what is no HTTP."""
    for line in (
        *("GET {} HTTP/1.1", "{} / HTTP/1.1", "GET / HTTP/{}", "{}"),
        "GET / HTTP/1.1\r\n{}",
    ):
        with socket.create_connection(("127.0.0.1", box.port), timeout=10.0) as client:
            client.sendall(line.format(canary("line")).encode() + b"\r\n\r\n")
            assert canary("line").encode() not in client.recv(65_536)
