"""Commands of the lab say what is missing where they cannot run; keys pass from lab to box."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.commands.console import Console, run


@pytest.mark.skipif(find_spec("torch") is not None, reason="this is the lab: nothing is missing")
@pytest.mark.parametrize(
    "arguments",
    [
        ("train",),
        ("register", "runs:/1/model", "--name", "x"),
        ("pull", "models:/x@y", "out"),
        ("pack", "model", "--key", "k", "--out", "out"),
        ("pack", "model", "--key", "k"),
        ("evaluate", "model", "recordings"),
    ],
)
def test_without_torch_the_lab_is_said_to_be_missing(arguments: tuple[str, ...]) -> None:
    """The box needs no torch, and says where these commands can run."""
    said = run("models", *arguments, "--json")

    assert (said.status, said.error) == (6, "lab-missing")
    assert "make lab" in said.document["error"]["remedy"]


def test_a_key_made_in_the_lab_is_trusted_on_the_box(box: Console, tmp_path: Path) -> None:
    """The public file and the fingerprint that `keygen` tells are what `keys add` asks for."""
    made = run("models", "keygen", str(tmp_path / "lab.key"), "--json").document["key"]

    told = ("--name", "lab", "--fingerprint", made["fingerprint"])
    box.json("keys", "add", made["public"], *told)

    assert made["fingerprint"] in {key["fingerprint"] for key in box.json("keys", "list")["keys"]}


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    """The second `keygen` of the same name leaves the first key as it is."""
    private = tmp_path / "lab.key"
    run("models", "keygen", str(private))
    first = private.read_bytes()

    said = run("models", "keygen", str(private), "--json")

    assert (said.status, said.error) == (3, "target-not-empty")
    assert private.read_bytes() == first


def test_a_private_key_is_not_called_as_a_public_one(tmp_path: Path) -> None:
    """`keygen a.pub` would need one name for both halves: it says so, and makes neither."""
    said = run("models", "keygen", str(tmp_path / "a.pub"), "--json")

    assert (said.status, said.error) == (3, "invalid-request")
    assert "public half" in said.document["error"]["detail"]
    assert list(tmp_path.iterdir()) == []
