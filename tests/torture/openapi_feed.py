"""What a generator cannot know: ids that exist, recordings that are sound, digests that fit."""

from __future__ import annotations

import base64
import json
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from hypothesis import strategies as st
from schemathesis.generation.case import Case
from schemathesis.generation.meta import TestPhase

from appliance.web.app_sessions import REFRESH_COOKIE
from tests.form_2022 import FORM_2022
from tests.sealing import a_head, sealed
from tests.system.boxes import Box, Client, content_digest, run_spira

ROLES: Final = ("aceite", "sustentada", "parlenda")
MAX_HEAD: Final = 44


@dataclass
class Feed:
    """Real values, mixed among generated ones.

    Attributes:
        ids: name of a path parameter -> ids that exist.
        body: an inference that is accepted; each time with recordings of its own.
        app: what the web app was told at a sign-in, and the secret that goes on with it.
        code: of a tablet that is awaited; good until the tablet is heard of.
        asked: which role has asked for which operation.
        passwords: of the demonstration users.
    """

    nurse: Client
    golden: Mapping[str, bytes]
    users: Mapping[str, dict[str, str]]
    app: AppSignIn
    code: str
    ids: dict[str, list[str]] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    asked: set[tuple[str, str]] = field(default_factory=set)

    @classmethod
    def of(cls, box: Box, clients: Mapping[str, Client], golden: Mapping[str, bytes]) -> Feed:
        """Put one scored inference into the box, and an account nobody needs."""
        nurse, admin = clients["nurse"], clients["admin"]
        inference_id = nurse.post_2022(golden).json()["inference_id"]
        nurse.wait_for_result(inference_id)
        stored = nurse.http.get(f"{nurse.home}/inferences/{inference_id}").json()
        made = admin.http.post("/v1/users", json=NEWCOMER)
        assert made.status_code == 200, made.text
        users = admin.http.get("/v1/users").json()["users"]
        newcomer = next(user for user in users if user["username"] == NEWCOMER["username"])
        awaited = run_spira("tablets", "enrol", "Ala 3", "--data", str(box.data), "--json")
        feed = cls(
            nurse=nurse,
            golden=golden,
            users=box.users,
            app=AppSignIn.of(box),
            code=json.loads(awaited.stdout)["code"],
        )
        feed.body = nurse.inference_body({})
        feed.ids = {
            "user_id": [nurse.user_id, newcomer["id"], clients["researcher"].user_id],
            "inference_id": [inference_id],
            "recording_id": [one["id"] for one in stored["recordings"]],
            "model_id": [one["id"] for one in nurse.http.get("/v1/models").json()["models"]],
            "hospital_id": [
                one["id"] for one in nurse.http.get("/v1/hospitals").json()["hospitals"]
            ],
            "protocol_id": [nurse.http.get("/v1/protocols/current").json()["id"]],
        }
        return feed

    def fill(self, case: Case[Any], role: str, chance: random.Random) -> None:
        """Put real values into a request that is about to be sent, sometimes."""
        label = case.operation.label
        meta = case.meta
        # What is wrong on purpose stays wrong: its refusal is checked.
        whole_may_be_sent = meta is None or (
            meta.phase.name is not TestPhase.COVERAGE
            and all(part.mode.is_positive for part in meta.components.values())
        )
        if case.method != case.operation.method.upper():
            return  # asked with a method the address does not take
        if label == RECORDING and isinstance(case.body, bytes) and chance.random() < 0.9:
            case.headers["Content-Digest"] = content_digest(case.body)
            case.query["role"] = chance.choice(ROLES)
            case.path_parameters["recording_id"] = str(uuid.UUID(int=chance.getrandbits(128)))
        elif label == INFERENCE and isinstance(case.body, dict) and whole_may_be_sent:
            self._one_wrong(case, role, chance)
        elif label == MULTIPART and isinstance(case.body, dict) and whole_may_be_sent:
            odd = chance.choice([*case.body] or [""])
            whole: dict[str, Any] = {**FORM_2022, **self.golden}
            case.body = {**whole, odd: case.body[odd]} if odd and chance.random() < 0.5 else whole
        elif whole_may_be_sent:
            self._show(case, role, chance)

    def _show(self, case: Case[Any], role: str, chance: random.Random) -> None:
        """Send what is good: the first time a role asks, and sometimes later."""
        label = case.operation.label
        is_first = (role, label) not in self.asked
        self.asked.add((role, label))
        if not is_first and chance.random() < 0.6:
            return
        if label == SIGN_IN:
            user = self.users[chance.choice([*self.users])]
            case.body = {"username": user["username"], "password": user["password"]}
        elif label == ENVELOPE:
            self.app.seal(case, self.golden, chance)
        elif label == REFRESH:
            case.headers.update(self.app.headers)
        elif label in {NEW_USER, NEW_PASSWORD}:
            self._give_password(case, chance)
        elif label == NEW_MODEL:
            name = f"m{chance.getrandbits(64):x}"
            case.body = {"name": name, "publishing_channel": name}
        elif label == ENROLMENT:
            case.body = {"code": self.code}

    def _give_password(self, case: Case[Any], chance: random.Random) -> None:
        """Add an account, or give that of the newcomer another password."""
        given = ("password", "password_confirmation")
        passwords: dict[str, Any] = {name: NEWCOMER[name] for name in given}
        if case.operation.label == NEW_PASSWORD:
            case.path_parameters["user_id"] = self.ids["user_id"][1]
            case.body = passwords
            return
        name = f"n{chance.getrandbits(64):x}"
        case.body = {**passwords, "username": name, "email": f"{name}@example.org"}

    def _one_wrong(self, case: Case[Any], role: str, chance: random.Random) -> None:
        """Send an inference that is accepted, or is but for what was generated of one part."""
        sent = {}
        if role == "nurse":
            for name in ROLES:
                sent[name] = str(uuid.UUID(int=chance.getrandbits(128)))
                stored = self.nurse.put_recording(name, self.golden[name], recording_id=sent[name])
                assert stored.status_code == 201, stored.text
        recordings = [{"id": one, "role": name} for name, one in sent.items()]
        whole: dict[str, Any] = {**self.body, "recordings": recordings}
        odd = chance.choice([*case.body] or [""])  # type: ignore[misc]
        if odd and chance.random() < 0.5:
            whole[odd] = case.body[odd]  # type: ignore[index]
        case.path_parameters["inference_id"] = str(uuid.UUID(int=chance.getrandbits(128)))
        case.body = whole


@dataclass(frozen=True)
class AppSignIn:
    """A nurse's sign-in to the web app, of which no answer is ever used: so it can be repeated."""

    told: Mapping[str, Any]
    headers: Mapping[str, str]
    box_key: bytes

    @classmethod
    def of(cls, box: Box) -> AppSignIn:
        """Sign in as the web app does."""
        user = box.users["nurse"]
        form = {"username": user["username"], "password": user["password"], "client": "pwa"}
        answer = httpx.post(f"{box.address}/v1/users/auth", data=form)
        assert answer.status_code == 200, answer.text
        key = httpx.get(f"{box.address}/v1/outbox-key").json()["public_key"]
        headers = {
            "Cookie": f"{REFRESH_COOKIE}={answer.cookies[REFRESH_COOKIE]}",
            "Origin": box.address,
            "X-SPIRA-Client": "pwa/0.1.0",
        }
        return cls(told=answer.json(), headers=headers, box_key=base64.b64decode(key))

    def seal(self, case: Case[Any], golden: Mapping[str, bytes], chance: random.Random) -> None:
        """Send a sealed recording instead of what was generated."""
        item_id, role = str(uuid.UUID(int=chance.getrandbits(128))), chance.choice(ROLES)
        head = a_head(
            "recording",
            item_id,
            golden[role],
            author_pass=self.told["author_pass"],
            user_id=self.told["id"],
            role=role,
            protocol=PROTOCOL,
        )
        case.path_parameters["item_id"] = item_id
        case.body = sealed(head, golden[role], item_id=item_id, box_key=self.box_key)
        case.headers["Content-Digest"] = content_digest(case.body)


NEWCOMER: Final = {
    "username": "newcomer",
    "email": "newcomer@example.org",
    "password": "nobody needs this one",
    "password_confirmation": "nobody needs this one",
}
RECORDING: Final = "PUT /v1/users/{user_id}/recordings/{recording_id}"
INFERENCE: Final = "PUT /v1/users/{user_id}/inferences/{inference_id}"
MULTIPART: Final = "POST /v1/users/{user_id}/inferences"
SIGN_IN: Final = "POST /v1/users/auth"
NEW_USER: Final = "POST /v1/users"
NEW_MODEL: Final = "POST /v1/models"
NEW_PASSWORD: Final = "POST /v1/users/{user_id}/password"
REFRESH: Final = "POST /v1/users/auth/refresh"
ENVELOPE: Final = "PUT /v1/envelopes/{item_id}"
ENROLMENT: Final = "POST /v1/tablets"
PROTOCOL: Final = "spira-2022.1"


@st.composite
def wavs(draw: st.DrawFn, golden: Mapping[str, bytes]) -> bytes:
    """Draw a recording: sound, cut, with one byte of its head changed, or no recording at all."""
    whole = golden[draw(st.sampled_from(ROLES))]
    match draw(st.sampled_from(("whole", "cut", "changed", "noise"))):
        case "cut":
            return whole[: draw(st.integers(0, len(whole)))]
        case "changed":
            at = draw(st.integers(0, MAX_HEAD))
            return whole[:at] + bytes([draw(st.integers(0, 255))]) + whole[at + 1 :]
        case "noise":
            return draw(st.binary(max_size=200))
    return whole
