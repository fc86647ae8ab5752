"""A box that serves patients all the while that strange bundles are tried on it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from appliance.adapters.ed25519_signatures import public_pem
from tests.bundle_builders import Author, an_author
from tests.commands.console import Console, Said
from tests.recordings import golden_recordings
from tests.system.boxes import SPIRA, Box, Client

SERVED_BY: Final = "spiraconv-demo"
SENT_EVERY_S: Final = 0.5
MAX_GROWTH_MIB: Final = 48
LOOKED_AT_EVERY_S: Final = 0.02
JOB_TIMEOUT_S: Final = "2"
"""How long a graph may run on this box, so that those without end do not make a trial long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a real command ended."""

    status: int
    document: Any
    stderr: str
    peak_mib: float

    @property
    def told(self) -> str:
        """The error by name and reason, or nothing."""
        return told(self.document)


@dataclass(kw_only=True)
class Ward:
    """A serving box, a console beside it, and the author whom it trusts."""

    box: Box
    console: Console
    author: Author = field(default_factory=an_author)
    grown_mib: float = 0.0
    n_served: int = 0

    @classmethod
    def make(cls, directory: Path) -> Ward:
        """Return a demonstration box that trusts the author with patients."""
        box = Box.make(directory)
        files = directory / "files"
        files.mkdir()
        ward = cls(box=box, console=Console(directory=box.data, files=files))
        ward.trust(ward.author, "author")
        box.start()
        return ward

    def trust(self, author: Author, name: str) -> str:
        """Trust a key and return its fingerprint."""
        key = self.console.file(f"{name}.pub", public_pem(author.public_key))
        fingerprint = author.trusted().fingerprint
        self.console.json("keys", "add", key, "--name", name, "--fingerprint", fingerprint)
        return fingerprint

    def stick(self, bundle: bytes, name: str = "stick.spira") -> str:
        """Return the path of a file that holds the bundle."""
        return self.console.file(name, bundle)

    def installed(self, bundle: bytes, *options: str) -> Said:
        """Install a bundle from the console, in this process."""
        return self.console.run("models", "install", self.stick(bundle), *options, "--json")

    def refusal(self, bundle: bytes) -> str:
        """Return by what name and reason a bundle is refused; nothing is left of it."""
        before = self.contents()
        said = self.installed(bundle)
        assert said.status == 6, said
        assert self.contents() == before
        return told(said.document)

    def contents(self) -> tuple[frozenset[str], tuple[str, ...]]:
        """Return what lies in the room of bundles, staging included, and the versions known."""
        room = self.box.data / "bundles"
        found = frozenset(str(path.relative_to(room)) for path in room.rglob("*"))
        versions = self.console.json("models", "list")["versions"]
        return found, tuple(f"{v['model']}@{v['version']} {v['state']}" for v in versions)

    def command(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin a real command on this box."""
        return subprocess.Popen(
            [SPIRA, *arguments, "--json", "--data", str(self.box.data)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "SPIRA_JOB_TIMEOUT_S": JOB_TIMEOUT_S},
        )

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Keep sending inferences; each must be answered by the model that served before.

        At the end the server must have the size it had.
        """
        patients = _Patients(self.box.sign_in("nurse"))
        for _ in range(3):
            patients.serve_one()
        before_mib, patients.n_served = resident_mib(self.box), 0
        thread = threading.Thread(target=patients.come)
        thread.start()
        try:
            yield
        finally:
            patients.gone.set()
            thread.join()
        patients.serve_one()
        assert not patients.faults, patients.faults
        self.n_served = patients.n_served
        self.grown_mib = resident_mib(self.box) - before_mib
        assert self.grown_mib < MAX_GROWTH_MIB


class _Patients:
    """One after the other, as long as they come; what went wrong with one is kept."""

    def __init__(self, nurse: Client) -> None:
        self.n_served = 0
        self.faults: list[Exception] = []
        self.gone = threading.Event()
        self._nurse = nurse
        self._recordings = golden_recordings()

    def serve_one(self) -> None:
        answer = self._nurse.post_2022(self._recordings)
        assert answer.status_code == httpx.codes.OK, answer.text
        found = self._nurse.wait_for_result(answer.json()["inference_id"])
        assert found["result"]["diagnosis"] in {"positive", "negative"}, found
        assert SERVED_BY in json.dumps(found), found
        self.n_served += 1

    def come(self) -> None:
        try:
            while not self.gone.wait(SENT_EVERY_S):
                self.serve_one()
        except Exception as fault:  # noqa: BLE001 - told at the end, in the test's own thread
            self.faults.append(fault)


def ended(command: subprocess.Popen[str]) -> Ended:
    """Return how a command ended, having seen one document and no traceback."""
    peak_mib = 0.0
    while command.poll() is None:
        # Not what `wait4` tells: that begins with the size of whoever started the command.
        peak_mib = max(peak_mib, memory_mib(command.pid, "VmHWM"))
        time.sleep(LOOKED_AT_EVERY_S)
    stdout, stderr = command.communicate()
    assert "Traceback" not in stderr, stderr
    document = json.loads(stdout) if command.returncode >= 0 else {}
    return Ended(status=command.returncode, document=document, stderr=stderr, peak_mib=peak_mib)


def told(document: Mapping[str, Any]) -> str:
    """Return an error's name and reason, as one reads them in a list."""
    error = document.get("error")
    if error is None:
        return ""
    reason = error["details"].get("reason")
    fields = ",".join(fault["code"] for fault in error["errors"])
    return ": ".join(part for part in (error["code"], reason, fields) if part)


def resident_mib(box: Box) -> float:
    """Return the resident memory of the server."""
    assert box.process is not None
    return memory_mib(box.process.pid, "VmRSS")


def memory_mib(pid: int, what: str) -> float:
    """Return what the kernel says of a process's memory; nothing of one that just ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = (line.split() for line in status.splitlines() if line.startswith(f"{what}:"))
    return next((int(words[1]) / 1024 for words in found), 0.0)


def is_whole(ward: Ward) -> None:
    """Hold the box to what must be true after everything: audit, bundles, records, staging."""
    with sqlite3.connect(ward.box.data / "records.db") as records:
        assert records.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert records.execute("PRAGMA foreign_key_check").fetchall() == []
    records.close()
    assert ward.console.run("audit", "verify").status == 0
    assert ward.console.run("models", "verify").status == 0
    assert not list((ward.box.data / "bundles" / "staging").iterdir())
