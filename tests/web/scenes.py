"""Everyone who may ask a box for one inference, and a valid request of every route."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
from litestar import Litestar
from litestar.testing import TestClient

from tests.form_2022 import FORM_2022
from tests.web.boxes import Box, Person, a_wav, content_digest, new_id, three_wavs


@dataclass
class Scene:
    """A box with one completed inference of its owner, and everyone who may ask for it."""

    box: Box
    http: TestClient[Litestar]
    people: dict[str, Person]
    inference_id: str

    def request(self, route: str, who: str) -> httpx.Response:
        """Send a valid request of this route as one of the people, or as nobody."""
        return self.send(route, self.http.request if who == "nobody" else self.people[who].call)

    def send(self, route: str, call: Callable[..., httpx.Response]) -> httpx.Response:
        """Send a valid request of this route; a stream of events ends after the first look."""
        self.box.news.close()
        method, path = route.split(" ")
        return call(method, self.filled(path), **self.sent(route))

    def filled(self, path: str) -> str:
        """Return the path with the owner's ids in it."""
        stored = self.box.records.inferences.inference(self.inference_id)  # type: ignore[arg-type]
        recording_id = stored.attachments[0].recording_id
        return path.format(
            user_id=self.people["owner"].user.id,
            model_id=self.box.model.id,
            hospital_id=self.box.hospital.id,
            protocol_id="spira-2022.1",
            inference_id=self.inference_id,
            recording_id=recording_id if "inference_id" in path else new_id(),
            path="elsewhere",
            item_id=new_id(),
        )

    def sent(self, route: str) -> dict[str, Any]:
        """Return a body that is valid for this route."""
        wav = a_wav()
        owner = self.people["owner"].user
        passwords = {"password": "another long one", "password_confirmation": "another long one"}
        bodies: dict[str, dict[str, Any]] = {
            "POST /v1/users/auth": {
                "data": {"username": owner.username, "password": "correct horse battery"}
            },
            "POST /v1/users": {
                "json": {"username": "new", "email": "new@example.org", **passwords}
            },
            "PATCH /v1/users/{user_id}": {"json": {"hospitals": []}},
            "POST /v1/users/{user_id}/password": {
                "json": {"old_password": "correct horse battery", **passwords}
            },
            "PUT /v1/envelopes/{item_id}": {
                "content": wav,
                "headers": {
                    "Content-Type": "application/octet-stream",
                    "Content-Digest": content_digest(wav),
                },
            },
            "POST /v1/envelopes/missing": {"json": {"items": []}},
            "POST /v1/tablets": {"json": {"code": "0000-0000-0000"}},
            "POST /v1/tablets/me/heartbeat": {"json": {"app_version": "0.1.0", "waiting": 0}},
            "POST /v1/models": {"json": {"name": "n", "publishing_channel": "c"}},
            "POST /v1/hospitals": {"json": {"name": "Outro"}},
            "PATCH /v1/hospitals/{hospital_id}": {"json": {"name": "Outro"}},
            "POST /v1/users/{user_id}/inferences": {
                "data": dict(FORM_2022),
                "files": {role: (role, wav, "audio/wav") for role, wav in three_wavs().items()},
            },
            "PUT /v1/users/{user_id}/inferences/{inference_id}": {
                "json": {
                    "consent": {"decision": "refused", "taken_at": "2026-03-01T12:00:00Z"},
                    "captured_at": "2026-03-01T12:00:00Z",
                }
            },
            "PUT /v1/users/{user_id}/recordings/{recording_id}": {
                "params": {"role": "aceite"},
                "content": wav,
                "headers": {"Content-Type": "audio/wav", "Content-Digest": content_digest(wav)},
            },
        }
        return bodies.get(route, {})
