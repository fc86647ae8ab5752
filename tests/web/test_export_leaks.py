"""Whatever a client writes into whatever text, no export names a patient."""

from __future__ import annotations

import copy
import csv
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import pytest

from appliance.core.audit import AuditAction
from appliance.core.errors import ApplianceError
from appliance.core.export_choice import ExportChoice
from appliance.core.ids import InferenceId
from appliance.core.inference import Attachment, Capture, Consent, Inference, InferenceQuery
from appliance.core.pseudonym import id_pseudonym, record_pseudonym
from appliance.usecases.export import ExportRecords, export_tables
from appliance.web.bodies import InferenceBody, inference_request
from tests.builders import NOON, a_consent, an_attachment, an_audit, an_inference, digest_of
from tests.fakes import open_fake_records
from tests.usecases.ward import Ward, a_voice

Document = dict[str, Any]
Place = tuple[str | int, ...]

SECRETS = (
    "14259401E",
    "14259401e",
    "1425 9401-E",
    "1.0.0+14259401E",
    "Aparecida",
    "aparecida",
    "Maria Aparecida",
    "maria_aparecida",
    "pt-Aparecid",
)
TRACES = (b"14259401", b"1425 9401", b"aparecid")
"""What each secret leaves, in lower case."""

VOWEL = a_voice()


@pytest.fixture
def ward() -> Ward:
    """A furnished ward in memory."""
    return Ward(records=open_fake_records())


def a_recording(ward: Ward) -> str:
    """Take in a vowel and return its id."""
    return ward.record("sustentada", VOWEL)


def a_body(ward: Ward) -> Document:
    """Return a body of PUT inference in which every field is given."""
    protocol = ward.protocol
    recordings = [
        {
            "id": a_recording(ward),
            "role": "sustentada",
            "take": 1,
            "chosen": True,
            "speaker": "patient",
            "started_at": "2026-03-01T11:59:00Z",
            "stop_reason": "silence",
            "prompt_sha256": digest_of("prompt"),
            "gaps": 0,
            "capture": {
                "echo_cancellation": False,
                "noise_suppression": False,
                "auto_gain_control": False,
                "voice_isolation": None,
                "sample_rate_hz": 48_000,
                "device": "a tablet",
                "user_agent": "a browser",
            },
        }
    ]
    return {
        "purpose": "inference",
        "protocol": {"id": protocol.id, "sha256": protocol.sha256},
        "model_id": None,
        "form": {
            "rgh": "13817615A",
            "local": ward.records.hospitals.hospitals()[0].name,
            "gender": "Feminino",
            "mask_type": "NONE",
            "covid_status": "FALSE",
        },
        "rgh_override": "seen on the wristband",
        "identity_check": "wristband",
        "consent": {
            "decision": "accepted",
            "given_by": "legal_representative",
            "relationship": "daughter",
            "form_signed": "paper",
            "witness_present": False,
            "assent": "given",
            "text_sha256": protocol.consents["pt-BR"].sha256,
            "language": "pt-BR",
            "purposes": {"study": True},
            "taken_at": "2026-03-01T11:58:00Z",
        },
        "recordings": recordings,
        "not_done": {"aceite": "language", "parlenda": "cannot_read"},
        "stopped_early": False,
        "captured_at": "2026-03-01T12:00:00Z",
        "clock_offset_s": -2.1,
        "tablet_id": "8a6f2a58-3c1e-4d0c-9a5b-0f6f7f1f2a33",
        "app_version": "1.4.0",
    }


def places(value: object, at: Place = ()) -> Iterator[Place]:
    """Yield where there is a text."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*at, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from places(inner, (*at, number))
    elif isinstance(value, str):
        yield at


def filled(body: Document, at: Place, text: str) -> Document:
    """Return the body with this text at that place."""
    changed = copy.deepcopy(body)
    inner: Any = changed
    for step in at[:-1]:
        inner = inner[step]
    inner[at[-1]] = text
    return changed


def variants(body: Document, ward: Ward) -> Iterator[Document]:
    """Yield the body with each secret in each text, in each answer and under each free key."""
    answers: list[Place] = [("form", field.name) for field in ward.protocol.fields]
    reasons: list[Place] = [
        ("form", f"{field.name}_absent_reason") for field in ward.protocol.fields
    ]
    keys: tuple[tuple[str, ...], ...] = (("form",), ("not_done",), ("consent", "purposes"))
    for secret in SECRETS:
        for at in dict.fromkeys((*places(body), ("model_id",), *answers, *reasons)):
            yield filled(body, at, secret)
        for at in keys:
            yield filled(body, (*at, secret), secret)


def sent(body: Document, ward: Ward) -> bool:
    """Send a body and return whether the box took it."""
    try:
        asked = inference_request(
            msgspec.json.decode(json.dumps(body).encode(), type=InferenceBody),
            inference_id=ward.new_id(),
            user_id=ward.nurse.id,
            content_sha256=digest_of("any"),
        )
        ward.submit(asked)
    except (msgspec.ValidationError, ApplianceError):
        return False
    return True


def exported(ward: Ward, target: Path) -> bytes:
    """Return all files of an export, in lower case."""
    export_tables(
        target,
        pseudonym_key=bytes(32),
        choice=ExportChoice(include_test=True, include_unverified=True),
        actor="console",
        progress=lambda _number: None,
        clock=lambda: NOON,
        new_id=ward.new_id,
        records=ExportRecords(
            protocols=ward.records.protocols,
            inferences=ward.records.inferences,
            recordings=ward.records.recordings,
            audio=ward.audio,
            audit=ward.records.audit,
        ),
    )
    return b"\n".join(path.read_bytes() for path in sorted(target.iterdir())).lower()


def test_the_body_of_these_tests_is_whole(ward: Ward) -> None:
    """A field that is added to the body is tried here too, or this fails."""
    body = a_body(ward)
    given = json.loads(json.dumps(body))
    whole = msgspec.to_builtins(msgspec.convert(given, InferenceBody))
    assert set(whole) == set(body)
    assert set(whole["consent"]) == set(body["consent"])
    assert set(whole["recordings"][0]) == set(body["recordings"][0])
    assert set(whole["recordings"][0]["capture"]) == set(body["recordings"][0]["capture"])
    assert sent(body, ward)


def test_no_text_of_a_request_names_a_patient_in_an_export(ward: Ward, tmp_path: Path) -> None:
    """An RGH and a name in every text that a client may send: refused, or left at home."""
    body = a_body(ward)
    taken = []
    for variant in variants(body, ward):
        taken.append(sent(variant, ward))
        if taken[-1]:
            # No recording has a place in two inferences.
            body["recordings"][0]["id"] = a_recording(ward)

    whole = exported(ward, tmp_path / "out")

    assert taken.count(True) > 4 * len(SECRETS)
    assert len(ward.records.inferences.find(InferenceQuery()).inferences) == taken.count(True)
    assert [trace for trace in TRACES if trace in whole] == []


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (("app_version",), "one point four"),
        (("app_version",), "1.4.0\n"),
        (("app_version",), "1" * 33),
        (("tablet_id",), "tablet of Ana"),
        (("tablet_id",), "8a6f2a583c1e4d0c9a5b0f6f7f1f2a33"),
        (("identity_check",), "wristband 14259401"),
        (("consent", "language"), "es"),
        (("consent", "language"), "pt-BR\n"),
        (("consent", "given_by"), "Her daughter"),
        (("consent", "text_sha256"), "0" * 64 + "\n"),
        (("recordings", 0, "stop_reason"), "silence\n"),
        (("recordings", 0, "prompt_sha256"), "0" * 64 + "\n"),
    ],
)
def test_texts_that_have_a_form_must_have_it(ward: Ward, at: Place, text: str) -> None:
    """A short text of a client that is not what it should be is refused at the door."""
    assert not sent(filled(a_body(ward), at, text), ward)


@pytest.mark.parametrize(
    ("version", "expected"),
    [("1.4.0", "1.4.0"), ("1.4.0-rc.1", "1.4.0-rc.1"), ("1.4.0+14259401E", ""), ("Ana", "")],
)
def test_releases_leave_where_they_are_releases(
    ward: Ward, tmp_path: Path, version: str, expected: str
) -> None:
    """What a tablet calls its release is stored, and exported where it is written like one."""
    assert sent(filled(a_body(ward), ("app_version",), version), ward)

    exported(ward, tmp_path / "out")

    with (tmp_path / "out" / "inferences.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["app_version"] == expected
    tablet_id = "8a6f2a58-3c1e-4d0c-9a5b-0f6f7f1f2a33"
    assert row["tablet_id"] == id_pseudonym(bytes(32), "tablet", tablet_id)


BY_THE_BOX = {"user_id", "protocol_id", "protocol_sha256", "model_id", "model_name", "hospital_id"}
BY_THE_BOX |= {"id", "recording_id", "content_sha256", "role"}
"""Texts the box itself gives, or has looked up among its own."""


def with_secret(one: Any, secret: str) -> Any:  # noqa: ANN401 - any dataclass of a row
    """Return a row in which every text of a client is the secret."""
    hints = get_type_hints(type(one))
    texts = {name for name, hint in hints.items() if hint == str | None} - BY_THE_BOX
    return dataclasses.replace(one, **dict.fromkeys(texts, secret))


@pytest.mark.parametrize("secret", SECRETS)
def test_no_row_of_old_names_a_patient_in_an_export(
    ward: Ward, tmp_path: Path, secret: str
) -> None:
    """What was stored before texts had to have a form stays at home too."""
    recording_id = ward.record("sustentada", VOWEL)
    capture: Capture = with_secret(Capture(), secret)
    consent: Consent = with_secret(a_consent(), secret)
    attachment: Attachment = with_secret(
        an_attachment(recording_id=recording_id, capture=capture), secret
    )
    old: Inference = with_secret(
        an_inference(
            id=InferenceId(ward.new_id()),
            user_id=ward.nurse.id,
            protocol_id=ward.protocol.id,
            model_id=ward.version.model_id,
            hospital_id=None,
            form={"rgh": secret},
            consent=consent,
            attachments=(attachment,),
            not_done={"frase": secret, secret: secret},
        ),
        secret,
    )
    entry = an_audit(AuditAction.INFERENCE_STORED, old.id)
    ward.records.inferences.add_inference(old, (), audit=entry)

    whole = exported(ward, tmp_path / "out")

    assert record_pseudonym(bytes(32), old.id).encode() in whole
    assert [trace for trace in TRACES if trace in whole] == []
