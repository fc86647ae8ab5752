"""A real box for tests: its own directory, the installed `spira`, a real process, real HTTP."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from tests.form_2022 import FORM_2022, HC

SPIRA = Path(sys.executable).with_name("spira")
READY_WITHIN_S = 30.0
DONE_WITHIN_S = 60.0


def free_port() -> int:
    """Return a loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def content_digest(content: bytes) -> str:
    """Return the RFC 9530 header value of a body."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


@dataclass
class Box:
    """A box on disk, and its process while it runs."""

    data: Path
    users: dict[str, dict[str, str]]
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    program: Path = SPIRA
    clients: list[httpx.Client] = field(default_factory=list)

    @classmethod
    def make(cls, directory: Path) -> Box:
        """Initialise a demonstration box."""
        data = directory / "box"
        done = run_spira("init", "--demo", "--json", "--data", str(data))
        users = {user["role"]: user for user in json.loads(done.stdout)["users"]}
        return cls(data=data, users=users)

    def copied_to(self, directory: Path) -> Box:
        """Return a box of its own that begins as this one is, which must not run."""
        data = directory / "box"
        shutil.copytree(self.data, data)
        return Box(data=data, users=deepcopy(self.users))

    def start(self) -> None:
        """Start the server and wait until it is ready."""
        log = (self.data.parent / "serve.log").open("ab")
        self.process = subprocess.Popen(
            [self.program, "serve", "--port", str(self.port), "--data", str(self.data)],
            stdout=log,
            stderr=log,
        )
        log.close()
        wait_until(self.is_ready, READY_WITHIN_S, "the box to be ready")

    def is_ready(self) -> bool:
        """Return whether the running server says that it is ready."""
        assert self.process is not None
        assert self.process.poll() is None, (self.data.parent / "serve.log").read_text()
        try:
            answer = httpx.get(f"{self.address}/health/ready", timeout=2.0)
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK

    @property
    def address(self) -> str:
        """The address of the API."""
        return f"http://127.0.0.1:{self.port}"

    def stop(self, sig: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, and return the exit status."""
        assert self.process is not None
        self.process.send_signal(sig)
        status = self.process.wait(timeout=30)
        self.process = None
        return status

    def end(self) -> None:
        """Leave nothing of it running or open."""
        for http in self.clients:
            http.close()
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def sign_in(self, role: str) -> Client:
        """Return a client signed in as the demonstration user of that role."""
        user = self.users[role]
        answer = httpx.post(
            f"{self.address}/v1/users/auth",
            data={"username": user["username"], "password": user["password"]},
        )
        assert answer.status_code == httpx.codes.OK, answer.text
        body = answer.json()
        http = httpx.Client(
            base_url=self.address,
            headers={"Authorization": f"Bearer {body['access_token']}"},
            timeout=30.0,
        )
        self.clients.append(http)
        return Client(http=http, user_id=body["id"])


@dataclass
class Client:
    """A signed-in user of the API."""

    http: httpx.Client
    user_id: str

    @property
    def home(self) -> str:
        """The address of everything that is this user's."""
        return f"/v1/users/{self.user_id}"

    def post_2022(
        self, recordings: Mapping[str, bytes], form: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Send the multipart request of 2022."""
        files = {role: (role, content, "audio/wav") for role, content in recordings.items()}
        return self.http.post(f"{self.home}/inferences", data=dict(form or FORM_2022), files=files)

    def put_recording(self, role: str, content: bytes, *, recording_id: str = "") -> httpx.Response:
        """Send one recording as the raw body."""
        return self.http.put(
            f"{self.home}/recordings/{recording_id or uuid.uuid4()}",
            params={"role": role},
            content=content,
            headers={"Content-Digest": content_digest(content), "Content-Type": "audio/wav"},
        )

    def put_inference(self, body: Mapping[str, Any], *, inference_id: str) -> httpx.Response:
        """Send the form with the ids of its recordings."""
        return self.http.put(f"{self.home}/inferences/{inference_id}", json=dict(body))

    def inference_body(self, recordings: Mapping[str, str]) -> dict[str, Any]:
        """Return a valid JSON inference under the current protocol."""
        protocol = self.http.get("/v1/protocols/current").json()
        text = protocol["consent"]["pt-BR"]
        now = datetime.now(UTC).isoformat()
        return {
            "purpose": "inference",
            "protocol": {"id": protocol["id"]},
            "form": {
                "rgh": "14259401E",
                "local": HC,
                "gender": "Feminino",
                "mask_type": "NONE",
                "covid_status": "FALSE",
                "age": 61,
                "spo2": 93,
            },
            "consent": {
                "decision": "accepted",
                "given_by": "patient",
                "text_sha256": text["sha256"],
                "language": "pt-BR",
                "purposes": {"study": True},
                "taken_at": now,
            },
            "recordings": [
                {"id": recording_id, "role": role, "take": 1, "chosen": True}
                for role, recording_id in recordings.items()
            ],
            "captured_at": now,
        }

    def wait_for_result(self, inference_id: str) -> dict[str, Any]:
        """Return inference and result as soon as the inference is no longer processing."""
        found: dict[str, Any] = {}

        def done() -> bool:
            answer = self.http.get(f"{self.home}/inferences/{inference_id}/result")
            assert answer.status_code == httpx.codes.OK, answer.text
            found.update(answer.json())
            return bool(found["inference"]["status"] != "processing")

        wait_until(done, DONE_WITHIN_S, f"the result of {inference_id}")
        return found


def run_spira(
    *arguments: str, check: bool = True, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the installed command and return what it printed."""
    done = subprocess.run(
        [SPIRA, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **(env or {})},
    )
    assert not check or done.returncode == 0, done.stderr
    return done


def wait_until(condition: Callable[[], bool], within_s: float, what: str) -> None:
    """Wait for a condition, or fail saying for what."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {within_s} s for {what}"
        time.sleep(0.05)
