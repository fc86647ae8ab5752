"""A ward for the use cases: the shipped protocol, one model, a nurse, and fakes for the rest."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from appliance.core.ids import InferenceId, RecordingId
from appliance.core.inference import Capture, ConsentDecision, Inference, Purpose
from appliance.core.manifest import MANIFEST_NAME, Population
from appliance.core.manifest_encoding import encode_manifest
from appliance.core.protocol import parse_protocol
from appliance.core.submission import AttachmentRequest, ConsentRequest, InferenceRequest
from appliance.core.wav import write_wav
from appliance.ports import Stored
from appliance.usecases.predict import Scoring
from appliance.usecases.reconcile import reconcile
from appliance.usecases.record import RecordingRequest, take_in_recording
from appliance.usecases.submit import SubmissionRecords, submit_inference
from tests.builders import (
    NOON,
    a_hospital,
    a_model,
    a_model_version,
    a_user,
    an_audit,
    an_installed_protocol,
    digest_of,
)
from tests.bundle_builders import a_manifest, bundle_files, graph_bytes
from tests.contracts.records import Records
from tests.fakes_io import FakeAudioStore, FakeJobQueue
from tests.fakes_models import FakeBundleStore, FakePredictor

PROTOCOL = (
    Path(__file__).resolve().parents[2] / "appliance" / "protocols" / "spira-2022.1.json"
).read_bytes()
RATE_HZ = 16_000


def a_voice(seconds: float = 3.0, level: float = 0.3) -> bytes:
    """Return a WAV that passes every limit: a steady tone between two quiet ends."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    hum = 1e-3 * np.sin(2 * np.pi * 50 * np.arange(RATE_HZ // 2) / RATE_HZ)
    tone = level * np.sin(2 * np.pi * 220 * time_s)
    return write_wav(np.round(32_767 * np.concatenate([hum, tone, hum])).astype(np.int16), RATE_HZ)


def certain(probability: float) -> FakePredictor:
    """Return a predictor that answers this to everything; float32 must hold it exactly."""
    return FakePredictor(answer=lambda _: probability, raw_output=(probability, 0.5))


@dataclass
class Ward:
    """Records, fakes and verbs in a test's own words."""

    records: Records
    audio: FakeAudioStore = field(default_factory=FakeAudioStore)
    queue: FakeJobQueue = field(default_factory=FakeJobQueue)
    predictor: FakePredictor = field(default_factory=lambda: certain(0.875))
    bundles: FakeBundleStore = field(default_factory=FakeBundleStore)
    now: datetime = NOON
    passed_s: float = 0.0
    owner: str = "boot-1"
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        """Furnish it: nurse, hospital, protocol, and a model with an active version."""
        manifest = encode_manifest(
            a_manifest(
                t_low=0.375,
                t_high=0.625,
                demonstration=False,
                population=Population(age_min=18, age_max=100),
            )
        )
        version = a_model_version(
            model_name="voice",
            manifest=manifest,
            digest=sha256(manifest).hexdigest(),
            graph_sha256=sha256(graph_bytes()).hexdigest(),
        )
        self.nurse = a_user()
        self.version = version
        self.protocol = parse_protocol(PROTOCOL)
        self.records.hospitals.add_hospital(a_hospital(), audit=an_audit())
        self.records.accounts.add_user(self.nurse, "hash", audit=an_audit())
        self.records.protocols.install(
            an_installed_protocol(
                id=self.protocol.id, sha256=self.protocol.sha256, document=PROTOCOL
            ),
            audit=an_audit(),
        )
        self.records.models.add_model(a_model(name="voice"), audit=an_audit())
        self.records.models.add_version(version, audit=an_audit())
        self.records.models.activate(version.id, default=True, audit=an_audit())
        self.bundles.kept[version.digest] = {MANIFEST_NAME: manifest, **bundle_files()}

    def clock(self) -> datetime:
        """Return the present of this ward; each look at it is a millisecond later."""
        self.now += timedelta(milliseconds=1)
        return self.now

    def ticks(self) -> float:
        """Return the seconds since noon; each look at it is a millisecond later."""
        self.passed_s += 0.001
        return self.passed_s

    def new_id(self) -> str:
        """Return the next id, in order."""
        return f"00000000-0000-4000-8000-{next(self._ids):012d}"

    def submission_records(self) -> SubmissionRecords:
        """Return what a submission reads and writes."""
        return SubmissionRecords(
            protocols=self.records.protocols,
            hospitals=self.records.hospitals,
            models=self.records.models,
            recordings=self.records.recordings,
            inferences=self.records.inferences,
        )

    def scoring(self) -> Scoring:
        """Return what a prediction needs."""
        return Scoring(
            owner=self.owner,
            timeout_s=30.0,
            lease_s=120.0,
            clock=self.clock,
            ticks=self.ticks,
            jobs=self.records.jobs,
            inferences=self.records.inferences,
            recordings=self.records.recordings,
            models=self.records.models,
            audio=self.audio,
            bundles=self.bundles,
            predictor=self.predictor,
        )

    def record(self, role: str, content: bytes, *, recording_id: str = "") -> RecordingId:
        """Take in a recording of the nurse's and return its id."""
        part = self.audio.begin()
        part.write(content)
        request = RecordingRequest(
            id=RecordingId(recording_id or self.new_id()),
            user_id=self.nurse.id,
            role=role,
            protocol_id=None,
            declared_sha256=None,
        )
        recording, _ = take_in_recording(
            request,
            part,
            actor=self.nurse.id,
            clock=self.clock,
            protocols=self.records.protocols,
            recordings=self.records.recordings,
            audio=self.audio,
        )
        return recording.id

    def request(
        self,
        recordings: Mapping[str, RecordingId],
        **changes: Any,  # noqa: ANN401 - what may be changed is what `replace` takes
    ) -> InferenceRequest:
        """Return a valid request with these recordings; its content follows its id."""
        request_id = InferenceId(str(changes.pop("id", None) or self.new_id()))
        request = InferenceRequest(
            id=request_id,
            user_id=self.nurse.id,
            purpose=Purpose.INFERENCE,
            protocol_id=self.protocol.id,
            model_id=None,
            form={
                "rgh": "14259401E",
                "local": a_hospital().name,
                "gender": "Feminino",
                "mask_type": "NONE",
                "covid_status": "FALSE",
                "spo2": 93,
            },
            consent=ConsentRequest(
                decision=ConsentDecision.ACCEPTED,
                given_by="patient",
                text_sha256=self.protocol.consents["pt-BR"].sha256,
                language="pt-BR",
                purposes={"study": True},
                taken_at=NOON,
            ),
            attachments=tuple(
                AttachmentRequest(recording_id=recording_id, role=role, capture=Capture())
                for role, recording_id in recordings.items()
            ),
            not_done={},
            captured_at=NOON,
            content_sha256=digest_of(f"request {request_id}"),
        )
        return replace(request, **changes)

    def recordings(self) -> dict[str, RecordingId]:
        """Take in one good recording for each required role."""
        return {role: self.record(role, a_voice()) for role in self.protocol.required_roles}

    def submit(self, request: InferenceRequest) -> tuple[Inference, Stored]:
        """Submit a request through the use case."""
        return submit_inference(
            request,
            actor=request.user_id,
            clock=self.clock,
            new_id=self.new_id,
            records=self.submission_records(),
            audio=self.audio,
            queue=self.queue,
        )

    def restart(self) -> int:
        """Begin a new boot, as after a crash, and return how many results wait."""
        self.owner = self.new_id()
        self.queue.lose_everything()
        return reconcile(
            owner=self.owner,
            clock=self.clock,
            jobs=self.records.jobs,
            queue=self.queue,
            starting=True,
        )

    def minute(self) -> int:
        """Look again for what is unfinished, as every minute, and return how many results wait."""
        return reconcile(
            owner=self.owner,
            clock=self.clock,
            jobs=self.records.jobs,
            queue=self.queue,
            starting=False,
        )
