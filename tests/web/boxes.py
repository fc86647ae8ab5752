"""A whole box in memory behind its real web application: fakes in every port."""

from __future__ import annotations

import base64
import hashlib
import secrets
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import httpx
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from litestar import Litestar
from litestar.testing import TestClient

from appliance.adapters.p256_envelopes import P256Envelopes
from appliance.bootstrap import Appliance
from appliance.bootstrap.box_keys import is_signed_by
from appliance.core.account import Role, User
from appliance.core.audit import AuditAction, audited
from appliance.core.hospital import Hospital
from appliance.core.ids import HospitalId, ModelId, ModelVersionId, UserId
from appliance.core.installed_protocol import InstalledProtocol
from appliance.core.model import Model, ModelVersion, VersionState
from appliance.core.protocol import parse_protocol
from appliance.core.result import Answer
from appliance.core.signing_key import BoxSigner
from appliance.core.wav import write_wav
from appliance.settings import Settings
from appliance.web.application import create_web
from appliance.web.health import Readiness
from appliance.web.news import News
from tests.builders import (
    NOON,
    a_hospital,
    a_model,
    a_model_version,
    a_user,
    an_answer,
    an_audit,
)
from tests.fakes import FakeRecords, open_fake_records
from tests.fakes_io import FakeAudioStore, FakeDiskSpace, FakeJobQueue, FakePasswordHasher
from tests.form_2022 import FORM_2022, HC

PASSWORD: Final = "correct horse battery"
PROTOCOL: Final = Path(__file__).parents[2] / "appliance/protocols/spira-2022.1.json"
COMMON: Final = frozenset({"password1234"})
HEADERS_2022: Final = {"Host": "localhost"}


def new_id() -> str:
    """Return a fresh UUID."""
    return str(uuid.uuid4())


def a_wav(pitch_hz: float = 220.0, *, duration_s: float = 1.0) -> bytes:
    """Return a steady tone at 16 kHz."""
    at_s = np.arange(int(16_000 * duration_s)) / 16_000
    return write_wav((8_000 * np.sin(2 * np.pi * pitch_hz * at_s)).astype(np.int16), 16_000)


def three_wavs() -> dict[str, bytes]:
    """Return the recordings a 2022 request must bring, each another sound."""
    return {"aceite": a_wav(200), "sustentada": a_wav(240, duration_s=3), "parlenda": a_wav(280)}


def content_digest(content: bytes) -> str:
    """Return the RFC 9530 header value of a body."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


class Unused:
    """A port no request of these tests may touch."""

    def __getattr__(self, name: str) -> object:
        """Say so."""
        raise AssertionError(f"the web called {name} of a port it has no business with")


@dataclass
class TestClock:
    """A clock that stands still until it is moved."""

    __test__ = False
    now: datetime = NOON
    passed: timedelta = timedelta()

    def __call__(self) -> datetime:
        """Return the present."""
        return self.now

    def move(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by
        self.passed += by

    def set(self, by: timedelta) -> None:
        """Set the clock forward or back; no time passes."""
        self.now += by

    def ticks(self) -> float:
        """Return the seconds that really passed."""
        return self.passed.total_seconds()


SIGNING_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = BoxSigner(public_key=SIGNING_KEY.public_key().public_bytes_raw(), sign=SIGNING_KEY.sign)
OPENER = P256Envelopes(bytes(range(32)))


@dataclass
class Person:
    """An account of a box, and a signed-in client of it."""

    user: User
    http: TestClient[Litestar]
    token: str

    @property
    def home(self) -> str:
        """The path of everything that is this user's."""
        return f"/v1/users/{self.user.id}"

    def call(self, method: str, path: str, **sent: Any) -> httpx.Response:  # noqa: ANN401
        """Send a request with this user's token."""
        headers = {"Authorization": f"Bearer {self.token}", **sent.pop("headers", {})}
        return self.http.request(method, path, headers=headers, **sent)

    def post_2022(
        self,
        form: Mapping[str, str] | None = None,
        recordings: Mapping[str, bytes] | None = None,
        path: str = "/inferences",
    ) -> httpx.Response:
        """Send the multipart request of 2022."""
        wavs = three_wavs() if recordings is None else recordings
        files = [(role, (role, content, "audio/wav")) for role, content in wavs.items()]
        return self.call("POST", self.home + path, data=dict(form or FORM_2022), files=files)

    def put_recording(
        self, role: str, content: bytes, recording_id: str, **headers: str
    ) -> httpx.Response:
        """Send one recording as a raw body."""
        return self.call(
            "PUT",
            f"{self.home}/recordings/{recording_id}",
            params={"role": role},
            content=content,
            headers={
                "Content-Type": "audio/wav",
                "Content-Digest": content_digest(content),
                **{name.replace("_", "-"): text for name, text in headers.items()},
            },
        )


@dataclass
class Box:
    """The application and everything behind it."""

    records: FakeRecords = field(default_factory=open_fake_records)
    audio: FakeAudioStore = field(default_factory=FakeAudioStore)
    space: FakeDiskSpace = field(default_factory=FakeDiskSpace)
    hasher: FakePasswordHasher = field(default_factory=FakePasswordHasher)
    queue: FakeJobQueue = field(default_factory=FakeJobQueue)
    clock: TestClock = field(default_factory=TestClock)
    readiness: Readiness = field(default_factory=Readiness)
    news: News = field(default_factory=News)
    settings: Settings = field(
        default_factory=lambda: Settings(
            directory=Path("unused"), keys=Path("unused"), allowed_hosts=("box.local",)
        )
    )
    people: dict[str, Person] = field(default_factory=dict)

    def appliance(self) -> Appliance:
        """Return the ports, filled with fakes."""
        return Appliance(
            settings=self.settings,
            owner="test",
            token_secret=bytes(range(32)),
            pseudonym_key=bytes(32),
            common_passwords=COMMON,
            clock=self.clock,
            ticks=self.clock.ticks,
            new_id=new_id,
            new_secret=partial(secrets.token_urlsafe, 32),
            accounts=self.records.accounts,
            refreshes=self.records.refreshes,
            envelopes=self.records.envelopes,
            tablets=self.records.tablets,
            hospitals=self.records.hospitals,
            protocols=self.records.protocols,
            models=self.records.models,
            keys=self.records.keys,
            recordings=self.records.recordings,
            inferences=self.records.inferences,
            jobs=self.records.jobs,
            audit=self.records.audit,
            database=cast("Any", Unused()),
            space=self.space,
            audio=self.audio,
            bundles=cast("Any", Unused()),
            predictor=cast("Any", Unused()),
            hasher=self.hasher,
            queue=self.queue,
            signer=lambda: SIGNER,
            is_signed_by=is_signed_by,
            opener=lambda: OPENER,
        )

    @contextmanager
    def serving(self) -> Iterator[TestClient[Litestar]]:
        """Run the application."""
        app = create_web(self.appliance(), readiness=self.readiness, news=self.news)
        with TestClient(app, base_url="http://box.local", raise_server_exceptions=False) as http:
            yield http

    def furnish(self) -> None:
        """Install the protocol, a hospital and a model that is ready."""
        document = PROTOCOL.read_bytes()
        protocol = parse_protocol(document)
        self.records.protocols.install(
            InstalledProtocol(
                id=protocol.id,
                sha256=protocol.sha256,
                title=protocol.title,
                document=document,
                active=False,
                installed_at=NOON,
            ),
            audit=an_audit(),
        )
        self.records.hospitals.add_hospital(
            a_hospital(id=HospitalId(new_id()), name=HC), audit=an_audit()
        )
        self.add_model("SpiraConv")

    def add_model(self, name: str, state: VersionState = VersionState.ACTIVE) -> ModelVersion:
        """Install a model with one version."""
        model = a_model(id=ModelId(new_id()), name=name, publishing_channel=f"{name}-channel")
        self.records.models.add_model(model, audit=an_audit())
        version = a_model_version(id=ModelVersionId(new_id()), model_id=model.id, model_name=name)
        self.records.models.add_version(version, audit=an_audit())
        if state is VersionState.ACTIVE:
            self.records.models.activate(version.id, default=False, audit=an_audit())
        else:
            self.records.models.set_state(version.id, state, audit=an_audit())
        return version

    @property
    def hospital(self) -> Hospital:
        """The hospital of this box."""
        return self.records.hospitals.hospitals()[0]

    @property
    def model(self) -> Model:
        """The default model of this box."""
        return self.records.models.models()[0]

    def add_person(
        self, http: TestClient[Litestar], name: str, role: Role, *hospitals: HospitalId
    ) -> Person:
        """Add an account and sign in to it."""
        user = a_user(
            id=UserId(new_id()),
            username=name,
            email=f"{name}@example.org",
            role=role,
            hospital_ids=hospitals,
        )
        self.records.accounts.add_user(user, self.hasher.hash(PASSWORD), audit=an_audit())
        answer = http.post("/v1/users/auth", data={"username": name, "password": PASSWORD})
        assert answer.status_code == httpx.codes.OK, answer.text
        return Person(user=user, http=http, token=answer.json()["access_token"])

    def answer_all(self, answer: Answer | None = None) -> None:
        """Let a worker answer everything that waits."""
        while claimed := self.records.jobs.claim(
            None, owner="w", now=self.clock(), lease_until=self.clock() + timedelta(minutes=2)
        ):
            self.records.jobs.complete(
                claimed.id,
                replace(answer or an_answer()),
                owner="w",
                at=self.clock(),
                audit=audited(AuditAction.RESULT_STORED, claimed.id, at=self.clock(), actor="box"),
            )
