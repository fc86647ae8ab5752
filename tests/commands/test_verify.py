"""`spira verify` and `spira audit head`: what is not as written, and the end of the chain."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.commands.console import Console


def found(box: Console) -> dict[str, str]:
    """Return the findings by code with their severity; verify says that there are errors."""
    said = box.run("verify", "--json")
    assert said.status == 8, said.stdout + said.stderr
    return {finding["code"]: finding["severity"] for finding in said.document["findings"]}


def test_a_whole_box_is_whole(box: Console) -> None:
    """For people in one line, for programs with what was read."""
    box.json("infer", *box.form(), *box.recordings())
    document = box.json("verify")
    assert document["findings"] == []
    assert document["read"]["n_recordings"] == 3
    assert document["read"]["n_bundles"] == 1
    assert box.run("verify").stdout.startswith("Whole: 3 recordings, 1 bundles")


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sig", "model.onnx", "card.md"])
def test_each_file_of_a_bundle_is_read(box: Console, name: str) -> None:
    """The signature, too, which nothing else reads again."""
    (bundle,) = (path for path in (box.directory / "bundles").iterdir() if path.name != "staging")
    content = bytearray((bundle / name).read_bytes())
    content[5] ^= 1
    (bundle / name).chmod(0o600)
    (bundle / name).write_bytes(content)
    assert found(box) == {"bundle-damaged": "error"}


def test_a_missing_bundle_and_a_missing_recording_are_found(box: Console) -> None:
    """What the database names must be there."""
    box.json("infer", *box.form(), *box.recordings())
    (bundle,) = (path for path in (box.directory / "bundles").iterdir() if path.name != "staging")
    shutil.rmtree(bundle)
    next((box.directory / "audio").glob("*.wav")).unlink()
    assert found(box) == {"bundle-damaged": "error", "audio-missing": "error"}


def test_a_damaged_row_is_named_and_not_shown(box: Console) -> None:
    """By table and id, and never with what is in it."""
    inference = box.json("infer", *box.form(), *box.recordings())["inference"]["id"]
    with closing(sqlite3.connect(box.directory / "records.db")) as connection:
        connection.execute("DROP TRIGGER inferences_never_change")
        connection.execute("UPDATE inferences SET form = replace(form, '61', '60')")
        connection.commit()
    said = box.run("verify", "--json")
    rows = [
        f["details"]["rows"] for f in said.document["findings"] if f["code"] == "record-damaged"
    ]
    assert rows == [[f"inferences: {inference}"]]
    assert "14259401" not in said.stdout
    assert box.error("inferences", "show", inference) == (7, "record-damaged")
    assert box.error("export", str(box.files / "out")) == (7, "record-damaged")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("token.key", "secret-missing"),
        ("pseudonym.key", "secret-missing"),
        ("box-signing.key", "key-damaged"),
        ("outbox.key", "key-damaged"),
    ],
)
def test_a_flipped_bit_in_a_secret_is_found(box: Console, name: str, code: str) -> None:
    """Another pseudonym would pass for another patient."""
    path = box.directory / "keys" / name
    content = bytearray(path.read_bytes())
    content[3] ^= 4
    path.write_bytes(content)
    assert found(box) == {code: "error"}


def test_a_secret_without_a_check_works_and_is_noted(box: Console) -> None:
    """Of a box that is older than the check, or made by hand."""
    path = box.directory / "keys" / "token.key"
    path.write_bytes(path.read_bytes()[:32])
    (finding,) = box.json("verify")["findings"]
    assert (finding["code"], finding["severity"]) == ("secret-unchecked", "note")


def test_a_head_is_signed_and_compared(box: Console) -> None:
    """It holds while rows are only added, and shows when the chain is shorter."""
    database = box.directory / "records.db"
    before = database.read_bytes()
    box.json("users", "add", "rui", "--generate")
    path = str(box.files / "head.json")
    said = box.json("audit", "head", "--sign", path)
    assert said["head"]["seq"] == box.json("audit", "head")["head"]["seq"]
    box.json("users", "add", "eva", "--generate")
    compared = box.json("audit", "verify", "--head", path)["audit"]["compared"]
    assert compared["seq"] == said["head"]["seq"]
    database.write_bytes(before)
    box.json("audit", "verify")
    assert box.error("audit", "verify", "--head", path) == (7, "audit-broken")


def test_a_head_goes_to_a_new_file_only(box: Console) -> None:
    """An older one is not written over, and none is written unsigned."""
    path = str(box.files / "head.json")
    box.json("audit", "head", "--sign", path)
    assert box.error("audit", "head", "--sign", path) == (3, "target-not-empty")
    assert box.error("audit", "head", str(box.files / "other.json")) == (3, "invalid-request")
    said = box.run("audit", "head", "--sign")
    assert json.loads(said.stdout)["format"] == "spira-audit-head-1"


def test_a_head_that_is_none_is_refused(box: Console) -> None:
    """Garbage, a changed one, and another box's."""
    path = Path(box.file("head.json", b""))
    path.unlink()
    box.json("audit", "head", "--sign", str(path))
    refused = (3, "audit-head-refused")
    for content in (b"{}", b"\xff", b"[" * 3000, b'{"format": 1}'):
        assert box.error("audit", "verify", "--head", box.file("bad", content)) == refused
    document = json.loads(path.read_text())
    for key, value in (("seq", 1), ("hash", "0" * 64), ("box", "x"), ("n_rows", 1)):
        changed = json.dumps({**document, key: value})
        assert box.error("audit", "verify", "--head", box.file("bad", changed)) == refused
    (box.directory / "keys" / "box-signing.key").unlink()
    assert box.error("audit", "verify", "--head", str(path)) == refused
    assert box.json("audit", "head")["head"]["fingerprint"] is None
    other = box.json("audit", "head", "--sign", str(box.files / "other.json"))
    assert other["head"]["seq"] == document["seq"]
    assert box.error("audit", "verify", "--head", str(path)) == refused


def test_a_bundle_whose_signature_is_gone_hides_no_other_finding(box: Console) -> None:
    """It is named, with what else is wrong."""
    box.json("infer", *box.form(), *box.recordings())
    (bundle,) = (path for path in (box.directory / "bundles").iterdir() if path.name != "staging")
    bundle.chmod(0o700)
    (bundle / "manifest.sig").unlink()
    next((box.directory / "audio").glob("*.wav")).unlink()
    assert found(box) == {"bundle-damaged": "error", "audio-missing": "error"}


def test_nobody_signs_a_chain_whose_end_is_gone(box: Console) -> None:
    """A head of what is left would vouch for it; and no file of it stays."""
    with closing(sqlite3.connect(box.directory / "records.db")) as connection:
        connection.execute("DROP TRIGGER audit_never_leaves")
        connection.execute("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)")
        connection.commit()
    target = box.files / "head.json"
    status, code = box.error("audit", "head", "--sign", str(target))
    assert (status, code) == (7, "audit-broken")
    assert not target.exists()
