"""`spira export` from the console: what it says, what it refuses, and that words match deeds."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.commands.console import EVERYTHING, Console

REASON = "Parity of the 2021 model, CAAE 12345678.9.0000.0068"


@pytest.fixture
def asked(box: Console) -> str:
    """Return the id of an inference of a demonstration model, without word of consent."""
    said = box.json("infer", *box.form(age=61), *box.recordings())
    return str(said["inference"]["id"])


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (("--identified",), "reason"),
        (("--audio",), "reason"),
        (("--audio", "--reason", "because"), "reason"),
        (("--dates", "true"), "dates"),
        (("--since", "yesterday"), "since"),
        (("--where", "gender"), "where"),
        (("--where", "rgh=14259401E"), "where"),
        (("--study", "Voz 2026"), "study"),
    ],
)
def test_what_is_wrong_with_an_export_is_said_by_name(
    box: Console, tmp_path: Path, options: tuple[str, ...], field: str
) -> None:
    """Each refusal names its option and leaves nothing."""
    said = box.run("export", str(tmp_path / "out"), *options, "--json")
    assert (said.status, said.error) == (3, "invalid-request")
    assert [fault["field"] for fault in said.document["error"]["errors"]] == [field]
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(find_spec("pyarrow") is not None, reason="pyarrow is installed here")
def test_parquet_without_its_library_is_refused_by_name(box: Console, tmp_path: Path) -> None:
    """With what to install; nothing is written."""
    said = box.run("export", str(tmp_path / "out"), "--parquet", "--json")
    assert (said.status, said.error) == (5, "parquet-missing")
    assert "pip install" in said.document["error"]["remedy"]
    assert not (tmp_path / "out").exists()


def test_people_are_told_what_was_left_out(box: Console, asked: str, tmp_path: Path) -> None:
    """And by which option it comes in."""
    bare = box.run("export", str(tmp_path / "bare"))
    whole = box.run("export", str(tmp_path / "whole"), *EVERYTHING)

    assert bare.stdout.splitlines()[0] == f"0 inferences in {tmp_path / 'bare'}"
    assert "1 without word of consent, too: --include-unverified" in bare.stdout
    assert "1 patients are in groups of fewer than five" in whole.stdout
    assert asked not in (tmp_path / "whole" / "inferences.csv").read_text(encoding="utf-8")
    tests = box.run("export", str(tmp_path / "tests"), "--include-unverified")
    assert "1 tests, too: --include-test" in tests.stdout


def test_sound_and_names_leave_with_their_reason(box: Console, asked: str, tmp_path: Path) -> None:
    """The sound of all but the spoken consent; the RGH; the true instant; why, in the audit."""
    options = ("--identified", "--audio", "--reason", REASON, "--where", "age=61")
    counts = box.json("export", str(tmp_path / "out"), *EVERYTHING, *options)["export"]

    assert (counts["n_recordings"], counts["n_sounds"]) == (3, 2)
    with (tmp_path / "out" / "inferences.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["id"], row["rgh"]) == (asked, "14259401E")
    shown = box.json("inferences", "show", asked)["inference"]
    assert row["created_in"][:19] == shown["created_in"][:19]
    assert (
        "This export identifies patients."
        in box.run("export", str(tmp_path / "again"), *options).stdout
    )
    with closing(sqlite3.connect(box.directory / "records.db")) as records:
        kept = records.execute("SELECT details FROM audit WHERE action = 'export.written'")
        assert json.loads(next(kept)[0])["reason"] == REASON
