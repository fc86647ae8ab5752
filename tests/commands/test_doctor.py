"""The doctor at the bed of a box that no other command can open."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from tests.commands.console import Console


def found(box: Console, *options: str) -> dict[str, str]:
    """Return the findings by code with their severity; the doctor says that there are errors."""
    said = box.run("doctor", "--json", *options)
    assert said.status == 8, said.stdout + said.stderr
    return {finding["code"]: finding["severity"] for finding in said.document["findings"]}


@pytest.mark.parametrize("name", ["token.key", "pseudonym.key"])
def test_a_missing_secret_is_found(box: Console, name: str) -> None:
    """Every other command names it, and none offers to make the box anew."""
    (box.directory / "keys" / name).unlink()
    assert found(box)["secret-missing"] == "error"
    assert box.error("users", "list") == (7, "secret-missing")


def test_a_database_that_is_none_is_found(box: Console) -> None:
    """And files are looked at all the same."""
    database = box.directory / "records.db"
    database.write_bytes(b"no database" * 1000)
    database.chmod(0o644)
    assert {"database-unusable", "files-open-to-others"} <= found(box).keys()


def test_a_broken_page_is_found(box: Console) -> None:
    """A database that opens, and is damaged further in, ends no look but its own."""
    database = box.directory / "records.db"
    content = bytearray(database.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    database.write_bytes(content)
    assert {"database-unusable", "database-damaged"} & found(box).keys()


@pytest.mark.parametrize("name", ["model.onnx", "manifest.json"])
def test_a_damaged_model_is_found(box: Console, name: str) -> None:
    """The version that answers is read whole."""
    assert "model-files-faulty" not in [
        finding["code"] for finding in box.run("doctor", "--json").document["findings"]
    ]
    (bundle,) = (path for path in (box.directory / "bundles").iterdir() if path.name != "staging")
    (bundle / name).chmod(0o600)
    (bundle / name).write_bytes(b"other")
    assert found(box)["model-files-faulty"] == "error"
    assert found(box, "--deep")["model-files-faulty"] == "error"


def test_the_canary_sings_at_once(box: Console) -> None:
    """A version that fails is told by every doctor from then on, until it sings again."""
    assert box.run("doctor", "--canary").status == 0
    (graph,) = box.directory.glob("bundles/*/model.onnx")
    whole = graph.read_bytes()
    graph.chmod(0o600)
    graph.write_bytes(b"other")
    assert found(box, "--canary")["canary-failed"] == "error"
    graph.write_bytes(whole)
    assert found(box)["canary-failed"] == "error"
    assert box.run("doctor", "--canary").status == 0


def test_a_canary_that_cannot_sing_keeps_nobody_from_the_rest(box: Console) -> None:
    """A box without its secrets cannot be opened for it."""
    (box.directory / "keys" / "token.key").unlink()
    assert found(box, "--canary")["secret-missing"] == "error"


def test_queue_signer_and_protocol_are_looked_at(box: Console) -> None:
    """A file that is no queue, a revoked signer, a protocol no model knows: each by its name."""
    assert box.run("doctor", "--json").status == 0
    (box.directory / "huey.db").write_bytes(b"no queue" * 1000)
    (box.directory / "huey.db").chmod(0o600)
    for key in box.json("keys", "list")["keys"]:
        box.json("keys", "revoke", key["fingerprint"])
    document = (Path(str(files("appliance"))) / "protocols" / "spira-2022.1.json").read_text()
    other = box.file("other.json", document.replace('"spira-2022.1"', '"other-2026.1"'))
    box.json("protocols", "install", other)
    box.json("protocols", "activate", "other-2026.1")
    codes = found(box)
    assert (codes["queue-damaged"], codes["signer-revoked"]) == ("warning", "warning")
    assert codes["protocol-unknown-to-model"] == "error"
