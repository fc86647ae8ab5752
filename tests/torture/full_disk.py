"""A box on a small disk, and a client that keeps a ledger of what the box acknowledged."""

from __future__ import annotations

import hashlib
import json
import random
import select
import socket
import sqlite3
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np

from appliance.core.wav import write_wav
from tests.system.boxes import Box, Client, content_digest, run_spira
from tests.torture.small_disk import BLOCK_BYTES, SmallDisk, small_disk

ROLES = ("aceite", "sustentada", "parlenda")
ANSWERED_WITHIN_S = 2.0
FULL = 507


@dataclass
class SmallBox(Box):
    """A box on a small disk; its log lies elsewhere.

    Attributes:
        begins: whether it can do more than answer: without any room it cannot score.
    """

    begins: bool = True

    def is_ready(self) -> bool:
        """Return whether it is ready, or answers at all where no more can be asked."""
        if self.begins:
            return super().is_ready()
        assert self.process is not None
        assert self.process.poll() is None, (self.data.parent / "serve.log").read_text()
        try:
            return httpx.get(f"{self.address}/health/live", timeout=2.0).is_success
        except httpx.TransportError:
            return False

    def is_alive(self) -> bool:
        """Return whether the process that was started still runs."""
        return self.process is not None and self.process.poll() is None


@contextmanager
def box_on_small_disk(
    directory: Path, *, n_mib: int, n_names: int | None = None
) -> Iterator[tuple[SmallBox, SmallDisk]]:
    """Give a running box on a disk of its own."""
    with small_disk(directory, n_mib=n_mib, n_names=n_names) as disk:
        (directory / "box").symlink_to(disk.root / "box")
        made = Box.make(directory)
        box = SmallBox(data=made.data, users=made.users)
        try:
            box.start()
            yield box, disk
        finally:
            box.end()


def voice(chance: random.Random, *, duration_s: float = 1.0) -> bytes:
    """Return a recording like no other."""
    noise = np.random.default_rng(chance.getrandbits(32))
    n_samples = int(16_000 * duration_s)
    tone = 8_000 * np.sin(np.arange(n_samples) * (0.05 + 0.05 * chance.random()))
    return write_wav((tone + noise.normal(0, 200, n_samples)).astype(np.int16), 16_000)


@dataclass
class Submission:
    """What a tablet sends, under ids of its own; may be sent again."""

    content: dict[str, bytes]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    recordings: dict[str, str] = field(
        default_factory=lambda: {role: str(uuid.uuid4()) for role in ROLES}
    )
    body: dict[str, object] = field(default_factory=dict)


@dataclass
class Ledger:
    """What the box acknowledged, and how long its refusals took.

    Attributes:
        recordings: id -> SHA-256.
        inferences: ids, whole submissions.
        refused_s: how long each 507 took.
    """

    recordings: dict[str, str] = field(default_factory=dict)
    inferences: list[str] = field(default_factory=list)
    refused_s: list[float] = field(default_factory=list)

    def judged(self, answer: httpx.Response, took_s: float) -> bool:
        """Return whether it was acknowledged; anything but a proper refusal is a fault."""
        if answer.is_success:
            return True
        assert answer.status_code == FULL, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "disk-full"
        assert took_s < ANSWERED_WITHIN_S
        self.refused_s.append(took_s)
        return False

    def send(self, nurse: Client, sent: Submission) -> bool:
        """Send a submission until something of it is refused; return whether nothing was."""
        sent.body = sent.body or nurse.inference_body(sent.recordings)
        for role in ROLES:
            content, recording_id = sent.content[role], sent.recordings[role]
            began_s = time.monotonic()
            answer = nurse.put_recording(role, content, recording_id=recording_id)
            if not self.judged(answer, time.monotonic() - began_s):
                return False
            self.recordings[recording_id] = hashlib.sha256(content).hexdigest()
        began_s = time.monotonic()
        answer = nurse.put_inference(sent.body, inference_id=sent.id)
        if not self.judged(answer, time.monotonic() - began_s):
            return False
        if sent.id not in self.inferences:
            self.inferences.append(sent.id)
        return True

    def answered(self, nurse: Client) -> None:
        """Wait until everything acknowledged has its result."""
        for inference_id in self.inferences:
            assert nurse.wait_for_result(inference_id)["inference"]["status"] == "completed"

    def held_by(self, box: Box) -> None:
        """Find everything acknowledged, once, in the files of a box that does not run."""
        with closing(sqlite3.connect(f"{box.data.resolve().as_uri()}/records.db", uri=True)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert db.execute("PRAGMA foreign_key_check").fetchall() == []
            stored = dict(db.execute("SELECT id, sha256 FROM recordings"))
            inferences = [row[0] for row in db.execute("SELECT id FROM inferences")]
            results = [
                row[0]
                for row in db.execute("SELECT inference_id FROM results WHERE state = 'done'")
            ]
        assert self.recordings.items() <= stored.items()
        assert sorted(inferences) == sorted(results) == sorted(self.inferences)
        for sha256 in set(stored.values()):
            content = (box.data / "audio" / f"{sha256}.wav").read_bytes()
            assert hashlib.sha256(content).hexdigest() == sha256
        run_spira("audit", "verify", "--data", str(box.data))


def ballast_bytes(box: Box) -> int:
    """Return what the box holds as ballast."""
    return sum(path.lstat().st_blocks * 512 for path in (box.data / "ballast").glob("*"))


def early_answer(box: Box, nurse: Client, *, n_mib: int) -> tuple[int, float]:
    """Send a long recording slowly until there is an answer, though most is still to come.

    Returns:
        The status, and how much of the recording was sent, from 0 to 1.
    """
    piece = b"\0" * (1 << 20)
    head = (
        f"PUT {nurse.home}/recordings/{uuid.uuid4()}?role=aceite HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: {nurse.http.headers['Authorization']}\r\nContent-Type: audio/wav\r\n"
        f"Content-Digest: {content_digest(piece)}\r\nContent-Length: {n_mib << 20}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", box.port), timeout=ANSWERED_WITHIN_S) as wire:
        wire.sendall(head.encode())
        for n_sent in range(n_mib):
            if select.select([wire], [], [], 0.1)[0]:
                status = int(wire.recv(4096).split(b" ", 2)[1])
                return status, n_sent / n_mib
            wire.sendall(piece)
    raise AssertionError("there was no answer before the end of the recording")


def n_running(box: Box) -> int:
    """Return how many results are being computed, says the file; nothing is changed."""
    uri = f"{box.data.resolve().as_uri()}/records.db?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as db:
        (found,) = db.execute("SELECT count(*) FROM results WHERE state = 'running'").fetchone()
    return int(found)


def n_pieces(box: Box) -> int:
    """Return of how many files the ballast is."""
    return len(list((box.data / "ballast").glob("*")))


def doctor_codes(box: Box) -> dict[str, dict[str, object]]:
    """Return what `spira doctor` found, by code."""
    done = run_spira("doctor", "--json", "--data", str(box.data), check=False)
    return {finding["code"]: finding for finding in json.loads(done.stdout)["findings"]}


def a_submission(chance: random.Random) -> Submission:
    """Return a submission of a small size and like no other."""
    durations = {"aceite": 1.0, "sustentada": 1.0, "parlenda": 1.0}
    return Submission({role: voice(chance, duration_s=s) for role, s in durations.items()})


def n_blocks(submission: Submission) -> int:
    """Return how many blocks its recordings take at least."""
    return sum(-(-len(content) // BLOCK_BYTES) for content in submission.content.values())


def deceive(directory: Path) -> Path:
    """Return a `spira` that believes in plenty of space."""
    program = directory / "deceived-spira"
    script = Path(__file__).with_name("deceived_box.py")
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n', encoding="utf-8")
    program.chmod(0o700)
    return program
