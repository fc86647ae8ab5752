"""`spira import` from the console."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bundle_builders import a_wav
from tests.commands.console import Console, make_box

ALIASES = "[defaults]\nmask_type = 'THIN'\ncaptured_at = '2020-06-01'\nsample_type = 'TEST'\n"
HOSPITAL = ("--hospital", "Hospital das Clínicas")
REASON = "Parity of the 2021 model, CAAE 12345678.9.0000.0068"


@pytest.fixture
def listed(box: Console) -> str:
    """Return the path of a list of 2021 with two sounds."""
    box.file("a.wav", a_wav(n_samples=48_000))
    box.file("b.wav", a_wav(n_samples=32_000))
    return box.file("train.csv", "file_path,class,idade\na.wav,1,61\nb.wav,0,45\n")


def new_box(directory: Path) -> Console:
    """Return another box."""
    directory.mkdir()
    return make_box(directory)


def test_a_list_is_taken_in_and_leaves_as_an_export(
    box: Console, listed: str, tmp_path: Path
) -> None:
    """Repeated it changes nothing; the next box takes the export of this one."""
    words = ("--aliases", box.file("aliases.toml", ALIASES))
    first = box.json("import", listed, *HOSPITAL, *words)["import"]
    again = box.run("import", listed, *HOSPITAL, *words)

    assert first == {"n_inferences": 2, "n_recordings": 2, "n_here": 0, "n_rejected": 0}
    assert again.status == 0
    assert "2 were here already" in again.stdout
    out = str(tmp_path / "out")
    options = ("--include-unverified", "--audio", "--reason", REASON)
    assert box.json("export", out, *options)["export"]["n_sounds"] == 2
    other = new_box(tmp_path / "other")
    assert other.json("import", out)["import"]["n_recordings"] == 2
    reject = box.file("reject.txt", "# broken\nb.wav\n")
    third = new_box(tmp_path / "third")
    said = third.json("import", listed, *HOSPITAL, *words, "--reject", reject)["import"]
    assert (said["n_inferences"], said["n_rejected"]) == (1, 1)


@pytest.mark.parametrize(
    ("aliases", "fields"),
    [
        ("[defaults]\nmask_type = 'THIN'\n", ["captured_at", "captured_at"]),
        ("[colums]\n", ["colums"]),
        (b"\xff", ["file"]),
    ],
)
def test_what_keeps_an_import_from_being_made_is_said(
    box: Console, listed: str, aliases: str | bytes, fields: list[str]
) -> None:
    """By line and column; nothing is stored."""
    words = ("--aliases", box.file("aliases.toml", aliases))
    said = box.run("import", listed, *HOSPITAL, *words, "--json")
    assert (said.status, said.error) == (3, "invalid-request")
    faults = said.document["error"]["errors"]
    assert [fault["field"].rpartition(", ")[2] for fault in faults] == fields
    assert box.json("inferences", "list")["inferences"] == []


def test_what_is_not_there_is_missing(box: Console, listed: str) -> None:
    """The place, a file that was named, the hospital or the user."""
    assert box.error("import", str(box.files / "absent")) == (5, "file-missing")
    assert box.error("import", listed, "--reject", "absent.txt") == (5, "file-missing")
    assert box.error("import", listed, "--hospital", "x") == (5, "hospital-not-found")
    assert box.error("import", listed, "--user", "x") == (5, "user-not-found")
