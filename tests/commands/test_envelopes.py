"""What a tablet exported is opened at the console, as if the tablet had sent it."""

from __future__ import annotations

import base64
import json
import uuid

import pytest

from appliance.bootstrap.box_keys import box_signer, envelope_opener
from appliance.core.author_pass import AuthorPass, signed_pass
from appliance.core.ids import UserId
from appliance.settings import read_settings
from tests.builders import NOON, later
from tests.bundle_builders import a_wav
from tests.commands.console import Console
from tests.sealing import a_head, an_inference, sealed

Item = dict[str, str]


def an_item(box: Console, kind: str, item_id: str, payload: bytes, **more: str) -> dict[str, str]:
    """Return what a nurse of this box sealed, as a tablet exports it."""
    settings = read_settings({}, directory=box.directory)
    (nurse,) = [u for u in box.json("users", "list")["users"] if u["role"] == "nurse"]
    note = AuthorPass(
        user_id=UserId(nurse["id"]), tablet_id=None, issued_at=NOON, expires_at=later(1)
    )
    author_pass = signed_pass(note, box_signer(settings))
    head = a_head(kind, item_id, payload, author_pass=author_pass, user_id=nurse["id"], **more)
    key = envelope_opener(settings).public_key
    content = sealed(head, payload, item_id=item_id, box_key=key)
    return {"id": item_id, "sealed": base64.b64encode(content).decode()}


def a_recording(box: Console, payload: bytes, item_id: str = "", role: str = "aceite") -> Item:
    """Return a sealed recording."""
    more = {"role": role, "protocol": "spira-2022.1"}
    return an_item(box, "recording", item_id or str(uuid.uuid4()), payload, **more)


def an_export(box: Console, *items: Item) -> str:
    """Return the file a tablet of this box would export."""
    return box.file("tablet.json", json.dumps({"format": "spira-sealed-1", "items": items}))


def test_exported_items_are_stored_once(box: Console) -> None:
    """A second run finds them here already."""
    wavs = (a_wav(0.2, n_samples=48_000), a_wav(0.3, n_samples=48_000))
    file = an_export(box, *(a_recording(box, wav) for wav in wavs))
    first = box.json("envelopes", "open", file)["envelopes"]
    assert [(one["state"], one["seq"]) for one in first] == [("stored", 1), ("stored", 2)]
    again = box.json("envelopes", "open", file)["envelopes"]
    assert [one["state"] for one in again] == ["here already"] * 2


def test_one_that_is_refused_holds_up_no_other(box: Console) -> None:
    """It is named, and the command says by its status that something is left."""
    payloads = (b"no sound at all", a_wav(0.3, n_samples=48_000))
    file = an_export(box, *(a_recording(box, payload) for payload in payloads))
    said = box.run("envelopes", "open", file, "--json")
    states = {one["code"]: one["state"] for one in said.document["envelopes"]}
    assert states == {None: "stored", "unsupported-audio": "refused"}
    assert said.status == 1


def test_an_inference_waits_for_its_recordings_however_the_file_is_ordered(box: Console) -> None:
    """A form with many answers is larger than a short recording."""
    wav = a_wav(0.3, n_samples=48_000)
    ids = {role: str(uuid.uuid4()) for role in ("aceite", "sustentada", "parlenda")}
    inference = an_item(box, "inference", str(uuid.uuid4()), an_inference(ids))
    recordings = [a_recording(box, wav, item_id, role) for role, item_id in ids.items()]
    told = box.json("envelopes", "open", an_export(box, inference, *recordings))["envelopes"]
    assert [one["state"] for one in told] == ["stored"] * 4
    assert (told[-1]["id"], told[-1]["seq"]) == (inference["id"], 4)


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        '{"format": "spira-sealed-1"}',
        '{"format": "spira-sealed-1", "items": [7]}',
        '{"format": "spira-sealed-1", "items": [{"id": "x", "sealed": ""}]}',
        f'{{"format": "spira-sealed-1", "items": [{{"id": "{uuid.UUID(int=1)}", "sealed": "é"}}]}}',
    ],
)
def test_another_file_is_refused_by_its_name(box: Console, content: str) -> None:
    """Before anything of it is stored."""
    status, code = box.error("envelopes", "open", box.file("other.json", content))
    assert (status, code) == (3, "invalid-request")
