"""Recordings and inferences by PUT: streamed, sent as often as one likes, never half."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from appliance.core.errors import StorageFailed
from appliance.core.wav import MAX_BYTES
from appliance.usecases.protocols import parsed
from tests.builders import NOON
from tests.form_2022 import HC
from tests.web.asgi import speak
from tests.web.boxes import Box, Person, a_wav, content_digest, new_id, three_wavs
from tests.web.test_compatibility import blamed, problem

MIB = 1024 * 1024


def inference_body(
    box: Box,
    recordings: dict[str, str],
    **changes: Any,  # noqa: ANN401 - a value of JSON
) -> dict[str, Any]:
    """Return a valid body with these recordings, by role."""
    protocol = box.records.protocols.active_protocol()
    consent_sha256 = next(iter(consent_digests(box)))
    body = {
        "purpose": "inference",
        "protocol": {"id": protocol.id, "sha256": protocol.sha256},
        "model_id": box.model.id,
        "form": {
            "rgh": "14259401E",
            "local": HC,
            "gender": "Feminino",
            "mask_type": "NONE",
            "covid_status": "FALSE",
            "spo2": 93,
            "age_absent_reason": "not_measured",
        },
        "consent": {
            "decision": "accepted",
            "given_by": "patient",
            "text_sha256": consent_sha256,
            "language": "pt-BR",
            "purposes": {"study": True},
            "taken_at": "2026-03-01T08:59:00-03:00",
        },
        "recordings": [{"id": one, "role": role} for role, one in recordings.items()],
        "not_done": {},
        "captured_at": "2026-03-01T12:00:00Z",
    }
    return {**body, **changes}


def consent_digests(box: Box) -> list[str]:
    """Return the digests of the protocol's consent texts."""
    protocol = parsed(box.records.protocols.active_protocol())
    return [text.sha256 for text in protocol.consents.values()]


@pytest.fixture
def recordings(nurse: Person) -> dict[str, str]:
    """The ids of three recordings that are here, by role."""
    sent = {}
    for role, wav in three_wavs().items():
        sent[role] = new_id()
        assert nurse.put_recording(role, wav, sent[role]).status_code == httpx.codes.CREATED
    return sent


# --- recordings ---------------------------------------------------------------------------


def test_a_recording_is_stored_as_it_came(box: Box, nurse: Person) -> None:
    """201 with hash, length and measures, and the very bytes on disk."""
    wav, recording_id = a_wav(), new_id()
    answer = nurse.put_recording("sustentada", wav, recording_id)
    body = answer.json()
    assert answer.status_code == httpx.codes.CREATED
    assert (body["id"], body["bytes"]) == (recording_id, len(wav))
    assert body["measures"]["duration_s"] == 1.0
    assert box.audio.files[body["sha256"]][0] == wav
    assert box.audio.parts == {}


def test_the_same_recording_may_be_sent_again(box: Box, nurse: Person) -> None:
    """200 with the same answer, one row and one file."""
    wav, recording_id = a_wav(), new_id()
    first = nurse.put_recording("sustentada", wav, recording_id)
    again = nurse.put_recording("sustentada", wav, recording_id.upper())
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert (len(box.audio.files), box.audio.parts) == (1, {})


@pytest.mark.parametrize(("role", "pitch_hz"), [("sustentada", 300.0), ("parlenda", 220.0)])
def test_other_content_under_the_same_id_is_a_conflict(
    box: Box, nurse: Person, role: str, pitch_hz: float
) -> None:
    """409 for another sound and for another role; nothing changes."""
    recording_id = new_id()
    nurse.put_recording("sustentada", a_wav(220.0), recording_id)
    answer = nurse.put_recording(role, a_wav(pitch_hz), recording_id)
    assert problem(answer) == (409, "content-conflict")
    assert (len(box.audio.files), box.audio.parts) == (1, {})
    assert box.records.recordings.recording(recording_id).role == "sustentada"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "digest",
    [
        "",
        "sha-256",
        "sha-256=:AAAA:",
        "sha-256=:not base64:",
        "sha-512=:AAAA:",
        content_digest(b"something else"),
    ],
)
def test_a_digest_that_is_missing_or_wrong(box: Box, nurse: Person, digest: str) -> None:
    """400, and nothing is kept."""
    answer = nurse.put_recording("aceite", a_wav(), new_id(), Content_Digest=digest)
    assert problem(answer) == (400, "digest-mismatch")
    assert (box.audio.files, box.audio.parts) == ({}, {})


def test_a_digest_among_others_is_found(nurse: Person) -> None:
    """RFC 9530 allows several algorithms in one header."""
    wav = a_wav()
    digest = f"sha-512=:{'A' * 86}==:, {content_digest(wav)}"
    answer = nurse.put_recording("aceite", wav, new_id(), Content_Digest=digest)
    assert answer.status_code == httpx.codes.CREATED, answer.text


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "invalid-audio"),
        (b"OggS" + bytes(100), 415, "unsupported-audio"),
        (a_wav()[:-2], 422, "invalid-audio"),
    ],
)
def test_what_is_no_recording(
    box: Box, nurse: Person, content: bytes, status: int, code: str
) -> None:
    """Refused with the reason, and nothing is kept."""
    answer = nurse.put_recording("aceite", content, new_id())
    assert problem(answer) == (status, code)
    assert answer.json()["reason"]
    assert (box.audio.files, box.audio.parts) == ({}, {})


def test_a_role_or_protocol_nobody_knows(nurse: Person) -> None:
    """422 names the parameter; an unknown protocol is not found."""
    path = f"{nurse.home}/recordings/{new_id()}"
    wav = a_wav()
    headers = {"Content-Type": "audio/wav", "Content-Digest": content_digest(wav)}
    unknown = nurse.call("PUT", path, params={"role": "cough"}, content=wav, headers=headers)
    assert (problem(unknown), blamed(unknown)) == ((422, "invalid-request"), {"role": "enum"})
    lacking = nurse.call("PUT", path, content=wav, headers=headers)
    assert (problem(lacking), blamed(lacking)) == ((422, "invalid-request"), {"role": "required"})
    other = nurse.call(
        "PUT", path, params={"role": "aceite", "protocol": "x"}, content=wav, headers=headers
    )
    assert problem(other) == (404, "protocol-not-found")


def test_another_media_type_is_refused(nurse: Person) -> None:
    """What curl sends unless told otherwise is no recording."""
    kind = "application/x-www-form-urlencoded"
    answer = nurse.put_recording("aceite", a_wav(), new_id(), Content_Type=kind)
    assert problem(answer) == (415, "unsupported-media-type")


def authorized(nurse: Person, content: bytes, *more: tuple[str, str]) -> list[tuple[str, str]]:
    """Return the headers of an upload of this content."""
    return [
        ("Authorization", f"Bearer {nurse.token}"),
        ("Content-Type", "audio/wav"),
        ("Content-Digest", content_digest(content)),
        *more,
    ]


def test_a_body_nobody_announced(http: TestClient[Litestar], nurse: Person) -> None:
    """411 without a length and without chunks."""
    path = f"{nurse.home}/recordings/{new_id()}?role=aceite"
    status, _, _ = asyncio.run(speak(http.app, "PUT", path, headers=authorized(nurse, b"")))
    assert status == 411


@pytest.mark.parametrize("announced", [True, False])
def test_a_recording_beyond_the_limit(
    box: Box, http: TestClient[Litestar], nurse: Person, announced: bool
) -> None:
    """413 at once when its length says so, else when it passes the limit; nothing is kept."""
    path = f"{nurse.home}/recordings/{new_id()}?role=aceite"
    length = (
        ("Content-Length", str(MAX_BYTES + 1)) if announced else ("Transfer-Encoding", "chunked")
    )
    status, _, body = asyncio.run(
        speak(
            http.app,
            "PUT",
            path,
            headers=authorized(nurse, b"", length),
            chunks=[bytes(MIB)] * 25,
        )
    )
    assert (status, b"too-large" in body) == (413, True)
    assert (box.audio.files, box.audio.parts) == ({}, {})


def test_a_client_that_leaves_leaves_nothing(
    box: Box, http: TestClient[Litestar], nurse: Person
) -> None:
    """Half an upload is no upload, and no fault of the box."""
    path = f"{nurse.home}/recordings/{new_id()}?role=aceite"
    wav = a_wav()
    headers = authorized(nurse, wav, ("Content-Length", str(len(wav))))
    status, _, body = asyncio.run(
        speak(http.app, "PUT", path, headers=headers, chunks=[wav[:9_000]], leaves=True)
    )
    assert (box.audio.files, box.audio.parts) == ({}, {})
    assert (status, b"unexpected" in body) == (400, False)


def test_half_a_multipart_request_leaves_nothing(
    box: Box, http: TestClient[Litestar], nurse: Person
) -> None:
    """Whether the client goes away, or its body ends in the middle."""
    wav = a_wav(duration_s=60)
    begun = b'--b\r\nContent-Disposition: form-data; name="aceite"; filename="a.wav"\r\n\r\n' + wav
    headers = [
        ("Authorization", f"Bearer {nurse.token}"),
        ("Content-Type", "multipart/form-data; boundary=b"),
        ("Transfer-Encoding", "chunked"),
    ]
    path = f"{nurse.home}/inferences"
    for leaves in (True, False):
        status, _, _ = asyncio.run(
            speak(http.app, "POST", path, headers=headers, chunks=[begun], leaves=leaves)
        )
        assert status == 400
        assert (box.audio.files, box.audio.parts) == ({}, {})


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"rgh": "x" * 70_000}, 413), ({f"f{n}": "" for n in range(101)}, 413)],
)
def test_multipart_fields_are_bounded(
    box: Box, nurse: Person, fields: dict[str, str], status: int
) -> None:
    """Neither one huge field nor a thousand small ones."""
    files = [(name, (None, text)) for name, text in fields.items()]
    answer = nurse.call("POST", f"{nurse.home}/inferences", files=files)
    assert answer.status_code == status, answer.text
    assert box.audio.parts == {}


def test_a_full_disk_says_so(box: Box, nurse: Person) -> None:
    """507, and what was there is still there."""
    box.audio.full = True
    answer = nurse.put_recording("aceite", a_wav(), new_id())
    assert problem(answer) == (507, "disk-full")
    assert problem(nurse.post_2022()) == (507, "disk-full")


def test_a_disk_that_fails_is_no_success(box: Box, nurse: Person) -> None:
    """503: nothing is acknowledged that is not on disk."""
    box.audio.failed = True
    assert problem(nurse.put_recording("aceite", a_wav(), new_id())) == (503, "storage-failed")
    box.audio.failed = False
    box.records.audit.fault = StorageFailed()
    assert problem(nurse.put_recording("aceite", a_wav(), new_id())) == (503, "storage-failed")


# --- inferences ---------------------------------------------------------------------------


def test_an_inference_is_stored_once(box: Box, nurse: Person, recordings: dict[str, str]) -> None:
    """201, then 200 for the same in another spelling, then 409 for other content."""
    path = f"{nurse.home}/inferences/{new_id()}"
    body = inference_body(box, recordings)
    first = nurse.call("PUT", path, json=body)
    spelled = dict(reversed(body.items()))
    again = nurse.call("PUT", path, json=spelled)
    other = nurse.call("PUT", path, json={**body, "stopped_early": True})
    assert (first.status_code, again.status_code) == (201, 200), first.text
    assert first.json() == again.json()
    assert problem(other) == (409, "content-conflict")
    assert len(nurse.call("GET", f"{nurse.home}/inferences").json()["inferences"]) == 1
    assert first.json()["created_in"] == "2026-03-01T12:00:00Z"
    assert (first.json()["consent"], first.json()["spo2"]) == ("accepted", 93)


def test_another_users_inference_id_is_a_conflict(
    box: Box, nurse: Person, stranger: Person, recordings: dict[str, str]
) -> None:
    """And tells nothing of what is there."""
    inference_id = new_id()
    body = inference_body(box, recordings)
    nurse.call("PUT", f"{nurse.home}/inferences/{inference_id}", json=body)
    answer = stranger.call("PUT", f"{stranger.home}/inferences/{inference_id}", json=body)
    assert problem(answer) == (409, "content-conflict")


def test_missing_recordings_are_named(box: Box, nurse: Person, recordings: dict[str, str]) -> None:
    """So that the client can send them and try again."""
    lacking = new_id()
    body = inference_body(box, {**recordings, "frase": lacking})
    answer = nurse.call("PUT", f"{nurse.home}/inferences/{new_id()}", json=body)
    assert problem(answer) == (422, "recordings-missing")
    assert answer.json()["missing"] == [lacking]


def test_a_refusal_erases_what_was_sent(
    box: Box, nurse: Person, recordings: dict[str, str]
) -> None:
    """Nothing of the patient stays, and the result says why there is none."""
    path = f"{nurse.home}/inferences/{new_id()}"
    consent = {"decision": "refused", "taken_at": "2026-03-01T12:00:00Z"}
    answer = nurse.call("PUT", path, json=inference_body(box, recordings, consent=consent))
    assert (answer.status_code, answer.json()["rgh"]) == (201, None)
    assert box.audio.files == {}
    assert problem(nurse.call("GET", f"{path}/result")) == (404, "consent-refused")


def test_a_collection_has_no_result(box: Box, nurse: Person, recordings: dict[str, str]) -> None:
    """It is complete from the start."""
    path = f"{nurse.home}/inferences/{new_id()}"
    body = inference_body(box, recordings, purpose="collection")
    assert nurse.call("PUT", path, json=body).json()["status"] == "completed"
    assert problem(nurse.call("GET", f"{path}/result")) == (404, "collection")


@pytest.mark.parametrize("decision", ["unverified", "withdrawn"])
def test_a_client_cannot_claim_a_consent_of_2022(
    box: Box, nurse: Person, recordings: dict[str, str], decision: str
) -> None:
    """Only the multipart request is unverified, and withdrawal is another row."""
    consent = {"decision": decision, "taken_at": "2026-03-01T12:00:00Z"}
    body = inference_body(box, recordings, consent=consent)
    answer = nurse.call("PUT", f"{nurse.home}/inferences/{new_id()}", json=body)
    assert (problem(answer), blamed(answer)) == (
        (422, "invalid-request"),
        {"consent.decision": "invalid"},
    )


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"surprise": 1}, "surprise", "unknown"),
        ({"captured_at": "yesterday"}, "captured_at", "invalid"),
        ({"captured_at": "2026-03-01T12:00:00"}, "captured_at", "type"),
        ({"captured_at": "0001-01-01T00:00:00+10:00"}, "captured_at", "invalid"),
        ({"stopped_early": "true"}, "stopped_early", "type"),
        ({"recordings": [{"id": "x", "role": "aceite"}]}, "recordings.0.id", "uuid"),
        ({"recordings": [{"id": "x", "roll": "aceite"}]}, "recordings.0.roll", "unknown"),
        ({"recordings": [{"role": "aceite"}]}, "recordings.0.id", "required"),
        ({"model_id": "SpiraConv"}, "model_id", "uuid"),
        ({"clock_offset_s": 1e12}, "clock_offset_s", "type"),
    ],
)
def test_a_body_that_is_not_valid_names_the_field(
    box: Box, nurse: Person, change: dict[str, Any], field: str, code: str
) -> None:
    """And never quotes what was in it."""
    body = {**inference_body(box, {}), **change}
    answer = nurse.call("PUT", f"{nurse.home}/inferences/{new_id()}", json=body)
    assert (problem(answer), blamed(answer)) == ((422, "invalid-request"), {field: code})
    assert "yesterday" not in answer.text


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "malformed-request"),
        (b"{", 400, "malformed-request"),
        (b"\xff\xfe", 400, "malformed-request"),
        (b'{"purpose":"\xff"}', 400, "malformed-request"),
        (b'{"purpose":"\\ud800"}', 400, "malformed-request"),
        (b'{"form":{"spo2":NaN}}', 400, "malformed-request"),
        (b"[" * 100_000, 400, "malformed-request"),
        (b'{"form":' * 21 + b"1" + b"}" * 21, 400, "malformed-request"),
        (b"null", 422, "invalid-request"),
        (b" " * (256 * 1024 + 1), 413, "too-large"),
    ],
)
def test_json_that_is_none(nurse: Person, content: bytes, status: int, code: str) -> None:
    """Bad encoding, bad JSON, too deep, too long: each has its own status, none is a 500."""
    answer = nurse.call(
        "PUT",
        f"{nurse.home}/inferences/{new_id()}",
        content=content,
        headers={"Content-Type": "application/json"},
    )
    assert problem(answer) == (status, code)


def test_json_must_say_that_it_is_json(nurse: Person) -> None:
    """Text is not taken for JSON."""
    answer = nurse.call(
        "PUT",
        f"{nurse.home}/inferences/{new_id()}",
        content=b"{}",
        headers={"Content-Type": "text/plain"},
    )
    assert problem(answer) == (415, "unsupported-media-type")


# --- opening a recording ------------------------------------------------------------------


@pytest.fixture
def attached(box: Box, nurse: Person, recordings: dict[str, str]) -> str:
    """The path of a recording an inference attaches."""
    path = f"{nurse.home}/inferences/{new_id()}"
    body = inference_body(box, recordings)
    assert nurse.call("PUT", path, json=body).status_code == httpx.codes.CREATED
    return f"{path}/recordings/{recordings['aceite']}"


def test_opening_a_recording_is_on_record(box: Box, nurse: Person, attached: str) -> None:
    """The bytes as received, to be saved and never shown; and who opened them."""
    answer = nurse.call("GET", attached)
    recording_id = attached.rpartition("/")[2]
    assert (answer.status_code, answer.content) == (200, three_wavs()["aceite"])
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers["content-disposition"] == f'attachment; filename="{recording_id}.wav"'
    assert answer.headers["cache-control"] == "no-store"
    opened = list(box.records.audit.rows())[-1].entry
    assert (opened.action, opened.entity_id, opened.actor) == (
        "recording.opened",
        recording_id,
        nurse.user.id,
    )


@pytest.mark.parametrize(
    ("asked", "window"),
    [
        ("bytes=0-1", slice(0, 2)),
        ("bytes=44-", slice(44, None)),
        ("bytes=-10", slice(-10, None)),
        ("bytes=10-99999999", slice(10, None)),
    ],
)
def test_a_range_of_a_recording(nurse: Person, attached: str, asked: str, window: slice) -> None:
    """206 with exactly the bytes asked for."""
    whole = three_wavs()["aceite"]
    answer = nurse.call("GET", attached, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, whole[window])
    start, stop, _ = window.indices(len(whole))
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(whole)}"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "lines=1-2", "bytes=-", "bytes=5-2"])
def test_other_ranges_give_the_whole(nurse: Person, attached: str, asked: str) -> None:
    """Several ranges, other units and nonsense are ignored, as RFC 9110 allows."""
    answer = nurse.call("GET", attached, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, three_wavs()["aceite"])


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
def test_a_range_beyond_the_end(nurse: Person, attached: str, asked: str) -> None:
    """416 tells the length."""
    answer = nurse.call("GET", attached, headers={"Range": asked})
    assert problem(answer) == (416, "range-not-satisfiable")
    assert answer.headers["content-range"] == f"bytes */{len(three_wavs()['aceite'])}"


def test_a_recording_of_another_inference_is_not_found(nurse: Person, attached: str) -> None:
    """Only what this inference attaches can be opened through it."""
    other = new_id()
    nurse.put_recording("frase", a_wav(), other)
    path = f"{attached.rpartition('/')[0]}/{other}"
    assert problem(nurse.call("GET", path)) == (404, "recording-not-found")


def test_a_damaged_file_is_never_served(box: Box, nurse: Person, attached: str) -> None:
    """The hash is checked at each opening."""
    for sha256 in box.audio.files:
        box.audio.damage(sha256)
    assert problem(nurse.call("GET", attached)) == (500, "audio-damaged")


def test_the_clock_of_a_box_may_go_back(box: Box, nurse: Person) -> None:
    """A token given out before does not become a token of the future."""
    box.clock.now = NOON.replace(year=2025)
    assert nurse.call("GET", "/v1/users/me").status_code == httpx.codes.OK


@pytest.mark.parametrize(
    ("captured_at", "status"),
    [("2026-02-28T22:30:00-03:00", 422), ("2026-03-01T01:30:00Z", 201)],
)
def test_today_is_the_day_where_the_patient_is(
    box: Box, nurse: Person, recordings: dict[str, str], captured_at: str, status: int
) -> None:
    """The same instant in two offsets: what is tomorrow in Brazil is no date of an answer."""
    body = inference_body(box, recordings, captured_at=captured_at)
    body["form"] |= {"covid_status": "TRUE", "last_positive_diagnose_date": "2026-03-01"}
    inference_id = new_id()
    answer = nurse.call("PUT", f"{nurse.home}/inferences/{inference_id}", json=body)
    assert answer.status_code == status, answer.text
    if status == httpx.codes.CREATED:
        assert answer.json()["captured_at"] == "2026-03-01T01:30:00Z"
    else:
        assert blamed(answer) == {"last_positive_diagnose_date": "future"}
