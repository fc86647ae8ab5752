"""The real process: the headers are on every answer, also on those nobody's handler gives."""

from __future__ import annotations

import json
import socket
from http import HTTPStatus
from typing import Final

from appliance.web.headers import SECURITY_HEADERS
from tests.system.boxes import Box
from tests.torture.trial import Trial

WITHIN_S: Final = 20.0
HOST: Final = b"Host: 127.0.0.1\r\nConnection: close\r\n"
SILENT_S: Final = 0.3
ASKED: Final = {
    "GET / HTTP/1.1\r\n": 200,
    "GET /nowhere HTTP/1.1\r\n": 404,
    "GET /health/live HTTP/1.1\r\n": 200,
    "HEAD /health/live HTTP/1.1\r\n": 405,
    "OPTIONS /health/live HTTP/1.1\r\n": 204,
    "OPTIONS * HTTP/1.1\r\n": 404,
    "TRACE /health/live HTTP/1.1\r\n": 405,
    "TRACE /v1/users/auth HTTP/1.1\r\n": 405,
    "CONNECT 127.0.0.1:80 HTTP/1.1\r\n": None,
    "BREW /health/live HTTP/1.1\r\n": 400,
    "GET /health/live HTTP/1.0\r\n": 200,
    "GET /health/live HTTP/9.9\r\n": None,
    "GET /v1/users/me HTTP/1.1\r\n": 401,
    "GET /v1/users/me HTTP/1.1\r\nAuthorization: Bearer \xff\r\n": 401,
    "GET /%00%ff%2e%2e/etc/passwd HTTP/1.1\r\n": 404,
    "GET //evil.example/ HTTP/1.1\r\n": 404,
    "GET http://evil.example/ HTTP/1.1\r\n": 200,  # sent to proxies only
    "GET /health/live HTTP/1.1\r\nHost: evil.example\r\n": 421,
    "GET /health/live HTTP/1.1\r\nOrigin: https://evil.example\r\n": 403,
    "GET /health/live HTTP/1.1\r\nOrigin: http://127.0.0.1\r\n": 200,
    "POST /v1/users/auth HTTP/1.1\r\nContent-Length: x\r\n": 400,
    "POST /v1/users/auth HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n": 400,
    "POST /v1/users/auth HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n": 400,
    "POST /v1/users/auth HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n": 400,
    "POST /v1/users/auth HTTP/1.1\r\nTransfer-Encoding: gzip\r\n": None,
    "POST /v1/users/auth HTTP/1.1\r\n": 415,
    "GET /health/live HTTP/1.1\r\nX: \x00\r\n": 400,
    "GET /health/live HTTP/1.1\r\nX : y\r\n": 400,
    "GET /health/live HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n": None,
    "GET /health/live HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n": None,
    "GET /" + 70_000 * "x" + " HTTP/1.1\r\n": 431,
    "GET /health/live HTTP/1.1\r\nX: " + 70_000 * "x" + "\r\n": 431,
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03": 400,
    "nonsense\r\n": 400,
    "\x00\r\n": 400,
    " GET / HTTP/1.1\r\n": 400,
}
"""Head of a request -> status; None where the parser may read it in one way or another."""
APP_PAGE: Final = {"Cache-Control": "no-cache"}
"""The page of the app holds nothing of anybody: a copy may be kept, and is asked about."""


def test_the_real_process_sends_the_headers_on_every_answer(trial: Trial, box: Box) -> None:
    """Good ones, refusals of the parser, refusals of the connection; and never a Server."""
    n_more = trial.amount(short=300, long=3_000)
    for head, expected in ASKED.items():
        sent = head.encode("latin-1")
        host = b"Connection: close\r\n" if b"Host:" in sent else HOST
        check(box, sent + host + b"\r\n", expected)
    n_answered = 0
    for number in range(n_more):
        chance = trial.random("mutant", number)
        mutant = bytearray(chance.choice(list(ASKED)).encode("latin-1")[:400] + HOST + b"\r\n")
        for _ in range(chance.randint(1, 4)):
            mutant[chance.randrange(len(mutant))] = chance.choice(b"\r\n :/\x00\xff%?#aZ0")
        n_answered += check(box, bytes(mutant), None)
    trial.sum_up(
        f"headers: {len(ASKED)} odd requests and {n_more:,} mutants of them over raw sockets, of"
        f" which {n_answered:,} got an answer: each with all {len(SECURITY_HEADERS)} headers, none"
        " with Server, errors as problems"
    )


def check(box: Box, sent: bytes, expected: int | None) -> bool:
    """Send raw bytes; return whether an answer came, which then has the headers, once each."""
    with socket.create_connection(("127.0.0.1", box.port), timeout=WITHIN_S) as client:
        client.sendall(sent)
        # Of bytes that may be no whole request nobody knows whether an answer comes.
        client.settimeout(SILENT_S if expected is None else WITHIN_S)
        answer = b""
        while piece := received(client):
            answer += piece
    if not answer and expected is None:
        return False
    head, _, body = answer.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    status = int(status_line.split(" ")[1])
    assert expected in {None, status}, (sent[:200], answer[:300])
    assert status < 500, (sent[:200], answer[:300])
    headers = [(name.lower(), text) for name, _, text in (line.partition(": ") for line in lines)]
    app_page = status == HTTPStatus.OK and ("content-type", "text/html; charset=utf-8") in headers
    for name, text in (SECURITY_HEADERS | (APP_PAGE if app_page else {})).items():
        found = [value for key, value in headers if key == name.lower()]
        assert found == [text], (name, sent[:200], answer[:300])
    assert not {"server", "x-powered-by"} & {name for name, _ in headers}
    if status >= 400 and not sent.startswith(b"HEAD"):
        assert ("content-type", "application/problem+json") in headers
        length = int(dict(headers)["content-length"])
        assert json.loads(body[:length])["status"] == status
    return True


def received(client: socket.socket) -> bytes:
    """Return the next piece; nothing once the other side ended, reset, or waits for more."""
    try:
        return client.recv(65_536)
    except (ConnectionResetError, TimeoutError):
        return b""
