"""Sealed items go the way of open ones, once, and nothing else comes in by them."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
import pytest

from appliance.bootstrap.box_keys import is_signed_by
from appliance.core.author_pass import AuthorPass, signed_pass
from appliance.core.ids import UserId
from appliance.core.signing_key import BoxSigner
from appliance.core.wav import MAX_BYTES
from tests.builders import NOON, later
from tests.sealing import PROTOCOL, a_head, an_inference, sealed
from tests.web.boxes import OPENER, SIGNER, Box, Person, a_wav, content_digest, new_id
from tests.web.test_compatibility import problem


class Caller(Protocol):
    """A person with a token, or a browser with its cookies."""

    def call(self, method: str, path: str, **sent: Any) -> httpx.Response:  # noqa: ANN401
        """Send a request."""


@dataclass
class Tablet:
    """Seals what its author made, and lets whoever is signed in bring it."""

    author: Person
    bearer: Caller

    def author_pass(self, signer: BoxSigner = SIGNER) -> str:
        """Return the note of a sign-in that is long over."""
        note = AuthorPass(
            user_id=UserId(self.author.user.id),
            tablet_id=None,
            issued_at=NOON,
            expires_at=later(1),
        )
        return signed_pass(note, signer)

    def head(self, kind: str, item_id: str, payload: bytes) -> dict[str, Any]:
        """Return a head that fits."""
        more = {"role": "aceite", "protocol": PROTOCOL} if kind == "recording" else {}
        return a_head(
            kind,
            item_id,
            payload,
            author_pass=self.author_pass(),
            user_id=self.author.user.id,
            **more,
        )

    def put(self, item_id: str, content: bytes) -> httpx.Response:
        """Bring a sealed item."""
        return self.bearer.call(
            "PUT",
            f"/v1/envelopes/{item_id}",
            content=content,
            headers={
                "Content-Type": "application/octet-stream",
                "Content-Digest": content_digest(content),
            },
        )

    def send(self, what: str, item_id: str, payload: bytes, **change: str) -> httpx.Response:
        """Seal an item anew, and bring it."""
        head = self.head(what, item_id, payload) | change
        key = OPENER.public_key
        return self.put(item_id, sealed(head, payload, item_id=item_id, box_key=key))


@pytest.fixture
def tablet(nurse: Person, stranger: Person) -> Tablet:
    """The nurse's work in the hands of another nurse."""
    return Tablet(author=nurse, bearer=stranger)


def sent_recordings(tablet: Tablet) -> dict[str, str]:
    """Send one recording a required role; return their ids."""
    ids = {}
    for role in ("aceite", "sustentada", "parlenda"):
        ids[role] = new_id()
        answer = tablet.send("recording", ids[role], a_wav(), role=role)
        assert answer.status_code == httpx.codes.CREATED, answer.text
    return ids


def test_work_goes_home_under_the_name_of_its_author(tablet: Tablet, box: Box) -> None:
    """Whoever carries it, and although the author's sign-in is long over."""
    ids = sent_recordings(tablet)
    inference_id = new_id()
    payload = an_inference(ids)
    answer = tablet.send("inference", inference_id, payload)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    receipt = answer.json()
    assert receipt["sha256"] == hashlib.sha256(payload).hexdigest()
    assert (receipt["id"], receipt["seq"], receipt["epoch"]) == (inference_id, 4, "test")
    stored = box.records.inferences.inference(inference_id)  # type: ignore[arg-type]
    assert stored.user_id == tablet.author.user.id
    home = f"{tablet.author.home}/inferences/{inference_id}"
    assert tablet.author.call("GET", home).json()["rgh"] == "14259401E"
    assert tablet.bearer.call("GET", home).status_code == httpx.codes.FORBIDDEN


def test_everything_may_be_brought_twice_sealed_anew(tablet: Tablet, box: Box) -> None:
    """The same receipt, and nothing is doubled."""
    ids = sent_recordings(tablet)
    first = tablet.send("recording", ids["aceite"], a_wav())
    again = tablet.send("recording", ids["aceite"], a_wav())
    assert first.status_code == again.status_code == httpx.codes.OK
    assert first.json() == again.json()
    inference_id, payload = new_id(), an_inference(ids)
    assert tablet.send("inference", inference_id, payload).status_code == httpx.codes.CREATED
    assert tablet.send("inference", inference_id, payload).status_code == httpx.codes.OK
    assert len(list(box.records.inferences.each())) == 1
    other = tablet.send("inference", inference_id, an_inference(ids, stopped_early=True))
    assert problem(other) == (409, "content-conflict")


def test_an_inference_waits_for_its_recordings(tablet: Tablet) -> None:
    """The tablet is told which are not here, and sends again."""
    missing = {role: new_id() for role in ("aceite", "sustentada", "parlenda")}
    answer = tablet.send("inference", new_id(), an_inference(missing))
    assert problem(answer) == (422, "recordings-missing")


def test_nothing_comes_in_sealed_that_would_not_open(tablet: Tablet) -> None:
    """The JSON inside is read as strictly as any other, and a WAV has to be one."""
    unknown = tablet.send("inference", new_id(), an_inference({}, more="x"))
    assert problem(unknown) == (422, "invalid-request")
    deep = tablet.send("inference", new_id(), b"[" * 60 + b"]" * 60)
    assert problem(deep) == (400, "malformed-request")
    noise = tablet.send("recording", new_id(), b"no sound at all")
    assert problem(noise) == (415, "unsupported-audio")


def test_what_is_too_large_open_is_too_large_sealed(tablet: Tablet, box: Box) -> None:
    """And the largest recording still fits with its seal around it."""
    form = an_inference({}, form={"rgh": "1" * box.settings.max_json_bytes})
    assert problem(tablet.send("inference", new_id(), form)) == (413, "too-large")
    largest = bytes(MAX_BYTES)
    assert problem(tablet.send("recording", new_id(), largest)) == (415, "unsupported-audio")
    assert box.audio.parts == {}


def test_a_disk_that_fails_under_an_opened_item_leaves_no_part_behind(
    tablet: Tablet, box: Box
) -> None:
    """Neither of what came sealed nor of what was in it."""
    box.audio.writes_left = 1
    assert problem(tablet.send("recording", new_id(), a_wav())) == (507, "disk-full")
    assert box.audio.parts == {}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kind": "command"}, "head"),
        ({"id": "7b0d1c5e-0000-4000-8000-000000000001"}, "other-id"),
        ({"user_id": "7b0d1c5e-0000-4000-8000-000000000001"}, "author-pass"),
        ({"author_pass": "e30.e30"}, "author-pass"),
        ({"author_pass": ""}, "author-pass"),
        ({"more": "x"}, "head"),
    ],
)
def test_a_head_that_does_not_fit_is_refused(
    tablet: Tablet, change: dict[str, str], reason: str
) -> None:
    """By name, and nothing of the item is kept."""
    answer = tablet.send("recording", new_id(), a_wav(), **change)
    assert problem(answer) == (422, "envelope-refused")
    assert answer.json()["reason"] == reason


def test_a_pass_of_another_box_names_nobody(tablet: Tablet) -> None:
    """Only the box that signed somebody in knows who it was."""
    forger = BoxSigner(public_key=SIGNER.public_key, sign=lambda _content: bytes(64))
    answer = tablet.send(
        "recording", new_id(), a_wav(), author_pass=tablet.author_pass(signer=forger)
    )
    assert answer.json()["reason"] == "author-pass"


def test_what_was_changed_or_moved_does_not_open(tablet: Tablet) -> None:
    """A flipped bit anywhere, another id, another box, a piece."""
    item_id, wav = new_id(), a_wav()
    head = tablet.head("recording", item_id, wav)
    content = sealed(head, wav, item_id=item_id, box_key=OPENER.public_key)
    for at in (0, 5, 20, 80, 90, len(content) - 1):
        flipped = bytearray(content)
        flipped[at] ^= 1
        answer = tablet.put(item_id, bytes(flipped))
        assert problem(answer) == (422, "envelope-refused"), at
    assert tablet.put(new_id(), content).json()["reason"] == "seal"
    assert tablet.put(item_id, content[:50]).json()["reason"] == "format"
    assert tablet.put(item_id, b"").json()["reason"] == "format"
    assert tablet.put(item_id, content).status_code == httpx.codes.CREATED


def test_a_payload_that_is_not_the_one_sealed_is_refused(tablet: Tablet) -> None:
    """The head says which it was."""
    answer = tablet.send("recording", new_id(), a_wav(), sha256="0" * 64)
    assert problem(answer) == (400, "digest-mismatch")


def test_the_key_is_signed_by_the_box(tablet: Tablet) -> None:
    """A tablet pins it, and an administrator can compare it."""
    told = tablet.author.http.get("/v1/outbox-key").json()
    public = base64.b64decode(told["public_key"])
    assert public == OPENER.public_key
    assert told["fingerprint"] == hashlib.sha256(public).hexdigest()
    assert told["key_id"] == told["fingerprint"][:16]
    assert is_signed_by(SIGNER.public_key, public, base64.b64decode(told["signature"]))


def test_a_tablet_learns_what_is_missing(tablet: Tablet) -> None:
    """After a restart the box may be an older copy of itself."""
    wav = a_wav()
    here, gone = new_id(), new_id()
    tablet.send("recording", here, wav)
    digest = hashlib.sha256(wav).hexdigest()
    items = [{"id": id_, "sha256": digest} for id_ in (here, gone)]
    answer = tablet.bearer.call("POST", "/v1/envelopes/missing", json={"items": items})
    assert answer.json() == {"missing": [gone]}
    beat = {"app_version": "0.1.0", "waiting": 1, "oldest_at": "2026-03-01T00:00:00Z"}
    told = tablet.bearer.call("POST", "/v1/tablets/me/heartbeat", json=beat).json()
    assert (told["epoch"], told["last_seq"], told["backed_up_through_seq"]) == ("test", 1, None)


def test_bringing_is_on_record_with_ids_alone(tablet: Tablet, box: Box, stranger: Person) -> None:
    """Who brought whose work, nothing of the patient."""
    item_id = new_id()
    tablet.send("recording", item_id, a_wav())
    last = list(box.records.audit.rows())[-1].entry
    assert (last.action, last.entity_id) == ("envelope.opened", item_id)
    assert last.actor == stranger.user.id
    assert last.details == {"kind": "recording", "author": tablet.author.user.id}
