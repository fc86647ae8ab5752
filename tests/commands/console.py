"""The console of a test: runs commands in this process, on boxes of its own."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from appliance.adapters.ed25519_signatures import public_pem
from cli import app
from tests.bundle_builders import a_bundle, a_wav, an_author

FORM = {
    "rgh": "14259401E",
    "local": "Hospital das Clínicas",
    "gender": "Feminino",
    "mask_type": "NONE",
    "covid_status": "FALSE",
    "age": 61,
    "spo2": 93,
}
EVERYTHING = ("--include-test", "--include-unverified")
"""Lets an export hold what a demonstration model said of a request of 2022."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command said and how it ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:  # noqa: ANN401 - whatever the JSON holds
        """The one JSON document on stdout."""
        return json.loads(self.stdout)

    @property
    def error(self) -> str:
        """The code of the error document on stdout."""
        return str(self.document["error"]["code"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """A console beside one data directory, and files to hand to commands."""

    directory: Path
    files: Path

    def run(self, *arguments: str, typed: str = "") -> Said:
        """Run a command on the box."""
        return run(*arguments, "--data", str(self.directory), typed=typed)

    def json(self, *arguments: str, typed: str = "") -> Any:  # noqa: ANN401 - whatever it says
        """Run a command that must go well and return its document."""
        said = self.run(*arguments, "--json", typed=typed)
        assert said.status == 0, said.stdout + said.stderr
        return said.document

    def error(self, *arguments: str, typed: str = "") -> tuple[int, str]:
        """Run a command that must fail; return exit status and code, having seen no traceback."""
        said = self.run(*arguments, "--json", typed=typed)
        assert "Traceback" not in said.stderr
        return said.status, said.error

    def file(self, name: str, content: bytes | str) -> str:
        """Write a file and return its path."""
        path = self.files / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def recordings(self, **changes: bytes) -> list[str]:
        """Return the options of `infer` for three good recordings."""
        wavs = {
            role: a_wav(amplitude, n_samples=48_000)
            for role, amplitude in (("aceite", 0.2), ("sustentada", 0.4), ("parlenda", 0.5))
        }
        wavs.update(changes)
        return [
            word
            for role, content in wavs.items()
            for word in ("--recording", f"{role}={self.file(f'{role}.wav', content)}")
        ]

    def form(self, **changes: object) -> list[str]:
        """Return the option of `infer` for a valid form; None leaves a field out."""
        answers = {name: value for name, value in {**FORM, **changes}.items() if value is not None}
        return ["--form", self.file("form.json", json.dumps(answers))]

    def copy_to(self, directory: Path) -> Console:
        """Return a console beside a copy of the box."""
        shutil.copytree(self.directory, directory / "box")
        (directory / "files").mkdir()
        return Console(directory=directory / "box", files=directory / "files")


def run(*arguments: str, typed: str = "") -> Said:
    """Run a command; standard input holds what is typed."""
    done = CliRunner().invoke(app, list(arguments), input=typed, prog_name="spira")
    bug = done.exception
    assert bug is None or isinstance(bug, SystemExit), bug
    return Said(status=done.exit_code, stdout=done.stdout, stderr=done.stderr)


def make_box(directory: Path) -> Console:
    """Return the console of a new box with a hospital, a nurse and a model that answers."""
    (directory / "files").mkdir()
    box = Console(directory=directory / "box", files=directory / "files")
    box.json("init")
    box.json("hospitals", "add", "Hospital das Clínicas", "--rgh-rule", "hc")
    box.json("users", "add", "ana", "--hospital", "Hospital das Clínicas", "--generate")
    author = an_author()
    key = box.file("author.pub", public_pem(author.public_key))
    fingerprint = author.trusted().fingerprint
    box.json("keys", "add", key, "--name", "author", "--fingerprint", fingerprint)
    bundle = box.file("loudness-1.0.0.spira", a_bundle())
    box.json("models", "install", bundle, "--activate")
    return box
