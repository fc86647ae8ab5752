"""The few requests a demonstration makes, with nothing but the standard library."""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from appliance.core.errors import DemonstrationFailed

TIMEOUT_S: Final = 30.0
_OPENER: Final = build_opener(ProxyHandler({}))
"""The box is on this machine: no proxy stands between."""


def free_port() -> int:
    """Return a loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Http:
    """One client of one box."""

    def __init__(self, address: str) -> None:
        """Talk to the box at this address, `http://host:port`."""
        self._address = address
        self._headers: dict[str, str] = {}

    def is_ready(self) -> bool:
        """Return whether the box takes requests."""
        try:
            with _OPENER.open(f"{self._address}/health/ready", timeout=TIMEOUT_S):
                return True
        except (OSError, HTTPException):
            return False

    def sign_in(self, username: str, password: str) -> str:
        """Sign in for all later requests, and return the user's id."""
        form = urlencode({"username": username, "password": password}).encode()
        answer = self._send("/v1/users/auth", form, "application/x-www-form-urlencoded")
        self._headers["Authorization"] = f"Bearer {answer['access_token']}"
        return str(answer["id"])

    def get(self, path: str) -> dict[str, Any]:
        """Return the JSON of a path."""
        return self._send(path, None, None)

    def post_multipart(
        self, path: str, fields: Mapping[str, str], files: Mapping[str, bytes]
    ) -> dict[str, Any]:
        """Post fields and WAV files as one form."""
        boundary = uuid.uuid4().hex
        body = multipart_body(boundary, fields, files)
        return self._send(path, body, f"multipart/form-data; boundary={boundary}")

    def _send(self, path: str, body: bytes | None, content_type: str | None) -> dict[str, Any]:
        """Send a request and return the JSON of its answer.

        Raises:
            DemonstrationFailed: the box refuses, or is not there.
        """
        headers = {**self._headers, **({"Content-Type": content_type} if content_type else {})}
        request = Request(f"{self._address}{path}", data=body, headers=headers)  # noqa: S310 - http
        try:
            with _OPENER.open(request, timeout=TIMEOUT_S) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except HTTPError as error:
            with error:
                code = json.load(error).get("code", "")
            raise DemonstrationFailed(f"{path}: {error.code} {code}") from error
        except (URLError, HTTPException, TimeoutError) as error:
            raise DemonstrationFailed(f"{path}: the box does not answer") from error


def multipart_body(boundary: str, fields: Mapping[str, str], files: Mapping[str, bytes]) -> bytes:
    """Return a multipart/form-data body (RFC 7578)."""
    parts = [
        (f'form-data; name="{name}"', "text/plain; charset=utf-8", value.encode())
        for name, value in fields.items()
    ]
    parts += [
        (f'form-data; name="{role}"; filename="{role}.wav"', "audio/wav", content)
        for role, content in files.items()
    ]
    chunks = []
    for disposition, content_type, content in parts:
        head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\nContent-Type: {content_type}"
        chunks.append(f"{head}\r\n\r\n".encode() + content + b"\r\n")
    return b"".join(chunks) + f"--{boundary}--\r\n".encode()
