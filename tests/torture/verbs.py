"""A small real box, and each verb whose every durable step is died at."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from appliance.bootstrap import Appliance, make_box_files, open_appliance
from appliance.core.ids import InferenceId, ProtocolId, RecordingId
from appliance.core.inference import Capture, ConsentDecision, Purpose
from appliance.core.submission import AttachmentRequest, ConsentRequest, InferenceRequest
from appliance.settings import read_settings
from appliance.usecases.install_model import install_bundle
from appliance.usecases.legacy import LegacySubmission, submit_legacy
from appliance.usecases.models import activate_version, find_version, roll_back
from appliance.usecases.predict import predict_next
from appliance.usecases.protocols import activate_protocol, install_protocol, parsed
from appliance.usecases.reconcile import reconcile
from appliance.usecases.record import RecordingRequest, take_in_recording
from appliance.usecases.submit import submit_inference
from tests.builders import NOON, a_hospital, a_user, an_audit, digest_of
from tests.bundle_builders import a_bundle, a_manifest, an_author
from tests.form_2022 import FORM_2022
from tests.torture.sealed_verbs import bring_inference, bring_recording
from tests.usecases.ward import PROTOCOL, a_voice

ROLES: Final = ("aceite", "sustentada", "parlenda")
MODEL: Final = "loudness"
NURSE: Final = a_user()


@dataclass(kw_only=True)
class Present:
    """A clock and ids that are the same in every run.

    Attributes:
        run: which of the runs on one box; ids of two never meet.
    """

    run: int
    now: datetime = NOON
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def clock(self) -> datetime:
        """Return the present; each look at it is a millisecond later."""
        self.now += timedelta(milliseconds=1)
        return self.now

    def new_id(self) -> str:
        """Return the next id."""
        return f"00000000-0000-4000-8000-{self.run:04d}{next(self._numbers):08d}"


@contextmanager
def opened(directory: Path, *, run: int) -> Iterator[Appliance]:
    """Give the real box in a directory, in a present of the trial's."""
    present = Present(run=run)
    settings = read_settings({"SPIRA_RESERVE_BYTES": "16777216"}, directory=directory)
    with open_appliance(settings) as box:
        yield replace(box, clock=present.clock, new_id=present.new_id, owner=f"boot-{run}")


def furnish(directory: Path) -> None:
    """Make a box in which each verb has something to do."""
    directory.mkdir()
    make_box_files(read_settings({}, directory=directory))
    with opened(directory, run=1) as box:
        box.hospitals.add_hospital(a_hospital(name=FORM_2022["local"]), audit=an_audit())
        box.accounts.add_user(NURSE, "hash", audit=an_audit())
        box.keys.add_key(an_author().trusted(), audit=an_audit())
        install_document(box, "spira-2022.1")
        install_document(box, "spira-2022.2")
        for number in (1, 2, 3):
            install_model(box, MODEL, number)
        for number in (1, 2):
            activate(box, number)
        for name in ("asked", "waiting", "refused"):
            for role in ROLES:
                record(box, name, role)
        submit(box, "waiting")
        # And the process was killed while it ran.
        lease = box.clock() + timedelta(hours=1)
        box.jobs.claim(None, owner=box.owner, now=box.clock(), lease_until=lease)


def install_document(box: Appliance, protocol_id: str) -> None:
    """Install the shipped protocol under an id."""
    document = json.dumps({**json.loads(PROTOCOL), "id": protocol_id}).encode()
    install_protocol(document, actor="it", clock=box.clock, protocols=box.protocols)


def install_model(box: Appliance, name: str, number: int) -> None:
    """Install a version of a model from a stick."""
    manifest = a_manifest(
        name=name, version=f"{number}.0.0", sequence=number, protocols=("spira-2022.1",)
    )
    stick = box.settings.directory.with_name(f"{name}-{number}.spira")
    stick.write_bytes(a_bundle(manifest))
    install_bundle(stick, actor="it", room=box.model_room())


def activate(box: Appliance, number: int) -> None:
    """Make a version the one that answers."""
    version = find_version(f"{MODEL}@{number}.0.0", models=box.models)
    activate_version(version, default=True, actor="it", room=box.model_room())


def named(name: str, role: str = "") -> str:
    """Return the id a client gave to an inference, or to its recording of a role."""
    number = int(digest_of(f"{name} {role}")[:8], 16)
    return f"00000000-0000-4000-9000-{number:012d}"


def sound(name: str, role: str) -> bytes:
    """Return a recording of its own."""
    return a_voice(1.5, 0.2 + int(digest_of(f"{name} {role}")[:3], 16) / 40_960)


def record(box: Appliance, name: str, role: str) -> None:
    """Send one recording, as the raw PUT does."""
    part = box.audio.begin()
    try:
        part.write(sound(name, role))
        request = RecordingRequest(
            id=RecordingId(named(name, role)),
            user_id=NURSE.id,
            role=role,
            protocol_id=None,
            declared_sha256=None,
        )
        take_in_recording(
            request,
            part,
            actor=NURSE.id,
            clock=box.clock,
            protocols=box.protocols,
            recordings=box.recordings,
            audio=box.audio,
        )
    finally:
        part.discard()


def submit(box: Appliance, name: str, decision: ConsentDecision = ConsentDecision.ACCEPTED) -> None:
    """Send the form with the ids of its recordings, as the JSON PUT does."""
    protocol = parsed(box.protocols.protocol(ProtocolId("spira-2022.1")))
    consented = decision is ConsentDecision.ACCEPTED
    form = {
        "rgh": "14259401E",
        "local": FORM_2022["local"],
        "gender": "Feminino",
        "mask_type": "NONE",
        "covid_status": "FALSE",
        "age": 61,
        "spo2": 93,
    }
    request = InferenceRequest(
        id=InferenceId(named(name)),
        user_id=NURSE.id,
        purpose=Purpose.INFERENCE,
        protocol_id=ProtocolId("spira-2022.1"),
        model_id=None,
        form=form if consented else {},
        consent=ConsentRequest(
            decision=decision,
            given_by="patient",
            text_sha256=protocol.consents["pt-BR"].sha256,
            language="pt-BR",
            purposes={"study": True} if consented else {},
            taken_at=NOON,
        ),
        attachments=tuple(
            AttachmentRequest(recording_id=RecordingId(named(name, r)), role=r, capture=Capture())
            for r in ROLES
        ),
        not_done={},
        captured_at=NOON,
        content_sha256=digest_of(f"request {name}"),
    )
    submit_inference(
        request,
        actor=NURSE.id,
        clock=box.clock,
        new_id=box.new_id,
        records=box.submission_records(),
        audio=box.audio,
        queue=box.queue,
    )


def post(box: Appliance) -> None:
    """Send form and recordings at once, as the multipart request of 2022 does."""
    parts = {role: box.audio.begin() for role in ROLES}
    try:
        for role, part in parts.items():
            part.write(sound("posted", role))
        submit_legacy(
            LegacySubmission(user_id=NURSE.id, answers=FORM_2022, model_id=None),
            parts,
            actor=NURSE.id,
            clock=box.clock,
            new_id=box.new_id,
            records=box.submission_records(),
            audio=box.audio,
            queue=box.queue,
        )
    finally:
        for part in parts.values():
            part.discard()


def predict_all(box: Appliance) -> None:
    """Answer whatever waits, as one worker does."""
    while predict_next(None, scoring=box.scoring()) is not None:
        pass


def begin(box: Appliance, *, starting: bool) -> None:
    """Put right what a crash left, as each start does and each minute."""
    reconcile(owner=box.owner, clock=box.clock, jobs=box.jobs, queue=box.queue, starting=starting)


def restart_and_predict(box: Appliance) -> None:
    """Answer what a kill interrupted; after a second one, only when the box has lasted."""
    for starting in (True, False):
        begin(box, starting=starting)
        predict_all(box)


def roll_back_model(box: Appliance) -> None:
    """Let the version before answer again."""
    roll_back(box.models.model_named(MODEL), actor="it", room=box.model_room())


def activate_document(box: Appliance) -> None:
    """Let new work begin under the other protocol."""
    protocol_id = ProtocolId("spira-2022.2")
    activate_protocol(protocol_id, actor="it", clock=box.clock, protocols=box.protocols)


VERBS: Final[Mapping[str, Callable[[Appliance], None]]] = {
    "recording": lambda box: record(box, "new", "sustentada"),
    "inference": lambda box: submit(box, "asked"),
    "refusal": lambda box: submit(box, "refused", ConsentDecision.REFUSED),
    "post": post,
    "sealed recording": lambda box: bring_recording(
        box, named("new", "parlenda"), sound("new", "parlenda"), "parlenda"
    ),
    "sealed inference": lambda box: bring_inference(
        box, named("asked"), {role: named("asked", role) for role in ROLES}
    ),
    "predict": restart_and_predict,
    "model install": lambda box: install_model(box, MODEL, 4),
    "first install": lambda box: install_model(box, "other", 1),
    "activate": lambda box: activate(box, 3),
    "rollback": roll_back_model,
    "protocol install": lambda box: install_document(box, "spira-2022.3"),
    "protocol activate": activate_document,
}
SEALED: Final = frozenset({"sealed recording", "sealed inference"})
"""Done, they have a number each: exactly one."""
ONCE: Final = frozenset({"post", "rollback"})
"""Not to be repeated when done: the first has no id, the second would go further back."""
