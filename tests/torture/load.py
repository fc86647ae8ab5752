"""Nurses outside the box: each sends visit after visit, and repeats until it is told `kept`."""

from __future__ import annotations

import hashlib
import http.client
import json
import random
import struct
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from tests.form_2022 import FORM_2022
from tests.system.boxes import content_digest
from tests.torture.ledger import Ledger, Take, Visit

ROLES: Final = ("aceite", "sustentada", "parlenda")
WHOLE_SHARE: Final = 0.25
"""Of visits with recordings long enough for a model; the others are too short and so the more."""

POST_SHARE: Final = 0.1
REPEATED_SHARE: Final = 0.1
"""Of answered requests that are sent again all the same, as tablets do."""

PAUSE_S: Final = 0.02
TIMEOUT_S: Final = 20.0
N_SHORT_BYTES: Final = 16_000
_HEADER_BYTES: Final = 44
_N_MARKED: Final = 8
_KEPT: Final = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})
_LATER: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


def visits(rng: random.Random, golden: Mapping[str, bytes]) -> Iterator[Visit]:
    """Yield patients without end, no two recordings of them alike."""
    while True:
        short = rng.random() >= WHOLE_SHARE
        takes = tuple(_take(rng, role, golden[role], short=short) for role in ROLES)
        yield Visit(id=_id(rng), takes=takes)


class Nurse(threading.Thread):
    """Sends visits until told to stop, and leaves none half told."""

    def __init__(
        self,
        *,
        port: int,
        home: str,
        token: str,
        body: Mapping[str, Any],
        golden: Mapping[str, bytes],
        rng: random.Random,
        ledger: Ledger,
    ) -> None:
        """Take who she is and what she keeps her books in.

        Args:
            port: of the box on this machine.
            home: the address of everything that is hers.
            token: her sign-in.
            body: of an inference, but for its recordings.
            golden: recordings by role.
            rng: hers alone.
            ledger: shared with the others.
        """
        super().__init__(daemon=True)
        self._port = port
        self._home = home
        self._token = token
        self._body = body
        self._rng = rng
        self._visits = visits(rng, golden)
        self._ledger = ledger
        self._line: http.client.HTTPConnection | None = None
        self._stopping = threading.Event()
        self._left = threading.Event()

    def run(self) -> None:
        """Send on; a fault ends her day and is in the ledger."""
        try:
            while not self._stopping.is_set():
                visit = next(self._visits)
                if self._rng.random() < POST_SHARE:
                    self._post(visit)
                else:
                    self._deliver(visit)
        except Exception as fault:  # noqa: BLE001 - a thread's edge: whoever reads the ledger fails
            self._ledger.fault(f"{type(fault).__name__}: {fault}")
        finally:
            self._hang_up()

    def stop(self) -> None:
        """Begin no other visit."""
        self._stopping.set()

    def leave(self) -> None:
        """Drop everything, even what is half told."""
        self._stopping.set()
        self._left.set()

    def _deliver(self, visit: Visit) -> None:
        for take in visit.takes:
            self._put(
                f"recordings/{take.id}?role={take.role}",
                take.content,
                {"Content-Type": "audio/wav", "Content-Digest": content_digest(take.content)},
            )
            self._ledger.recording_kept(take)
        attached = [
            {"id": take.id, "role": take.role, "take": 1, "chosen": True} for take in visit.takes
        ]
        content = json.dumps({**self._body, "recordings": attached}).encode()
        self._put(f"inferences/{visit.id}", content, {"Content-Type": "application/json"})
        self._ledger.inference_kept(visit)

    def _put(self, path: str, content: bytes, headers: Mapping[str, str]) -> None:
        """Send until it is acknowledged, and now and then once more."""
        lost = False
        while (status := self._asked("PUT", path, content, headers)[0]) not in _KEPT:
            lost |= status == 0
        if lost:
            self._ledger.repeated(known=status == HTTPStatus.OK)
        else:
            assert status == HTTPStatus.CREATED, f"known before it was sent: PUT {path}"
        if self._rng.random() < REPEATED_SHARE:
            again = self._asked("PUT", path, content, headers)[0]
            assert again != HTTPStatus.CREATED, f"made twice: PUT {path}"

    def _post(self, visit: Visit) -> None:
        """Send the request of 2022; what has no id cannot be repeated after a lost answer."""
        content, kind = _multipart(visit)
        while True:
            status, answer = self._asked("POST", "inferences", content, {"Content-Type": kind})
            if status == HTTPStatus.OK:
                self._ledger.post_kept(json.loads(answer)["inference_id"], visit)
                return
            if status == 0:
                self._ledger.post_unanswered(visit)
                return

    def _asked(
        self, method: str, path: str, content: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        """Return status and body; 0 when the answer was lost.

        Raises:
            AssertionError: the box said what it must not say, or she was told to leave.
        """
        assert not self._left.is_set(), "left in the middle of a visit"
        try:
            line = self._line = self._line or http.client.HTTPConnection(
                "127.0.0.1", self._port, timeout=TIMEOUT_S
            )
            signed = {**headers, "Authorization": f"Bearer {self._token}"}
            line.request(method, f"{self._home}/{path}", content, signed)
            answer = line.getresponse()
            status, body = answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self._hang_up()
            time.sleep(PAUSE_S)
            return 0, b""
        if status in _LATER:
            self._hang_up()
            time.sleep(PAUSE_S)
            return status, body
        assert status in _KEPT, f"{method} {path}: {status} {body.decode()}"
        return status, body

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


def _id(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def _take(rng: random.Random, role: str, golden: bytes, *, short: bool) -> Take:
    """Return a recording like no other: its last samples, too faint to hear, say which it is."""
    sound = golden[_HEADER_BYTES:]
    if short:
        sound = sound[:N_SHORT_BYTES]
    mark = b"".join(bytes((byte, 0)) for byte in rng.randbytes(_N_MARKED))
    sound = sound[: -len(mark)] + mark
    header = (
        golden[:4]
        + struct.pack("<I", _HEADER_BYTES - 8 + len(sound))
        + golden[8 : _HEADER_BYTES - 4]
        + struct.pack("<I", len(sound))
    )
    content = header + sound
    sha256 = hashlib.sha256(content).hexdigest()
    return Take(id=_id(rng), role=role, content=content, sha256=sha256)


def _multipart(visit: Visit) -> tuple[bytes, str]:
    """Return the body of a request of 2022, and its type."""
    edge = f"edge-{visit.id}"
    head = f"--{edge}\r\nContent-Disposition: form-data; "
    pieces = [
        f'{head}name="{name}"\r\n\r\n{answer}\r\n'.encode() for name, answer in FORM_2022.items()
    ]
    for take in visit.takes:
        named = f'{head}name="{take.role}"; filename="{take.role}.wav"\r\n'
        pieces.append(f"{named}Content-Type: audio/wav\r\n\r\n".encode())
        pieces += (take.content, b"\r\n")
    return b"".join((*pieces, f"--{edge}--\r\n".encode())), f"multipart/form-data; boundary={edge}"
