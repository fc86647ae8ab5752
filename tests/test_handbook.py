"""The chapters of the handbook: every command in them is one, and does what is said of it."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from appliance.adapters.ed25519_signatures import public_pem
from cli import app
from tests.bundle_builders import a_bundle, a_manifest, a_wav, an_author
from tests.commands.console import FORM
from tests.form_2022 import HC
from tests.system.boxes import SPIRA

HANDBOOK = Path(__file__).parents[1] / "installer" / "handbook"
CHAPTERS = sorted(HANDBOOK.glob("*.md"))


def script(chapter: Path) -> str:
    """Return the commands of a chapter, in their order."""
    return "".join(re.findall(r"```sh\n(.*?)```", chapter.read_text(encoding="utf-8"), re.DOTALL))


COMMANDS = [
    pytest.param(line, id=f"{chapter.stem}: {line[:40]}")
    for chapter in CHAPTERS
    for line in script(chapter).splitlines()
    if line.startswith("spira ")
]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_of_the_handbook_parses(line: str) -> None:
    """Each names a command that exists and options it takes."""
    command = typer.main.get_command(app)
    words = shlex.split(line, comments=True)[1:]
    while isinstance(command, TyperGroup):
        command = command.commands[words.pop(0)]
    command.make_context("spira", words)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)
def test_every_link_of_the_handbook_leads_somewhere(chapter: Path) -> None:
    """No link of a chapter is dead."""
    for target in re.findall(r"\]\(([^)#]+)\)", chapter.read_text(encoding="utf-8")):
        assert (HANDBOOK / target).exists(), target


def spira(place: Path, *words: str, typed: str = "") -> str:
    """Run a command in this place; return what it printed."""
    done = subprocess.run(
        [SPIRA, *words], cwd=place, input=typed, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


@pytest.fixture
def hospital(tmp_path: Path) -> tuple[Path, str]:
    """A box with two models and one patient; return where, and the id of the inference."""
    author = an_author()
    (tmp_path / "lab.pub").write_bytes(public_pem(author.public_key))
    (tmp_path / "form.json").write_text(json.dumps(FORM))
    box = ("--data", "var/box")
    spira(tmp_path, "init", *box)
    spira(tmp_path, "hospitals", "add", HC, "--rgh-rule", "hc", *box)
    spira(tmp_path, "users", "add", "ana", "--hospital", HC, "--generate", *box)
    typed = f"{author.trusted().fingerprint}\n"
    spira(tmp_path, "keys", "add", "lab.pub", "--name", "lab", *box, typed=typed)
    for name in ("loudness", "other"):
        (tmp_path / f"{name}.spira").write_bytes(
            a_bundle(a_manifest(name=name, demonstration=False))
        )
        spira(tmp_path, "models", "install", f"{name}.spira", *box)
    spira(tmp_path, "models", "activate", "loudness", *box)
    sent = ["--form", "form.json", "--user", "ana"]
    for role, amplitude in (("aceite", 0.2), ("sustentada", 0.4), ("parlenda", 0.5)):
        (tmp_path / f"{role}.wav").write_bytes(a_wav(amplitude, n_samples=48_000))
        sent += ["--recording", f"{role}={role}.wav"]
    told = json.loads(spira(tmp_path, "infer", *sent, "--json", *box))
    return tmp_path, told["inference"]["id"]


@pytest.mark.system
def test_the_chapter_for_researchers_does_what_it_says(hospital: tuple[Path, str]) -> None:
    """Its commands in their order, on a box with one patient."""
    place, inference_id = hospital
    shutil.copy(
        Path(str(files("appliance"))) / "protocols" / "spira-2022.1.json", place / "protocol.json"
    )
    commands = script(HANDBOOK / "researcher.md").replace("INFERENCE", inference_id)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],  # noqa: S607 - the shell of the handbook
        cwd=place,
        env={**os.environ, "PATH": f"{SPIRA.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    exports = {path.name for path in (place / "out").iterdir()}
    assert exports == {"all", "voz", "march", "women", "sound"}
    spira(place, "export", "again", "--data", "var/research", "--include-unverified")
    with (place / "again" / "inferences.csv").open(encoding="utf-8", newline="") as imported:
        assert len(list(csv.DictReader(imported))) == 1
    with (place / "pairs.csv").open(encoding="utf-8", newline="") as pairs:
        assert [row["inference_id"] for row in csv.DictReader(pairs)] == [inference_id]
