"""Nurses at work: they send, repeat what was not acknowledged, and remember what was."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from tests.system.boxes import Box, Client

GIVE_UP_AFTER_S: Final = 90.0
PAUSE_S: Final = 0.1
_AGAIN: Final = frozenset({408, 429, 500, 502, 503, 504})


@dataclass
class Nurse:
    """One nurse with her ledger; belongs to one thread.

    Attributes:
        recordings: what she records of every patient, by role.
        acknowledged: ids of inferences that the box said it has.
        took_s: how long each submission took, of those that needed no second try.
        refusals: answers that are no reason to try again; there should be none.
    """

    box: Box
    recordings: Mapping[str, bytes]
    acknowledged: list[str] = field(default_factory=list)
    took_s: list[float] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    n_tries: int = 0
    _client: Client | None = None
    _body: dict[str, Any] = field(default_factory=dict)

    def submit(self) -> str:
        """Record one patient, and return the id of the acknowledged inference."""
        template = self._template()
        began_s, n_before = time.monotonic(), self.n_tries
        ids = {role: str(uuid.uuid4()) for role in self.recordings}
        inference_id = str(uuid.uuid4())
        for role, content in self.recordings.items():
            self._insist(
                lambda c, role=role, content=content: c.put_recording(  # type: ignore[misc]
                    role, content, recording_id=ids[role]
                )
            )
        named = [{"id": i, "role": r, "take": 1, "chosen": True} for r, i in ids.items()]
        body = {**template, "recordings": named}
        self._insist(lambda c: c.put_inference(body, inference_id=inference_id))
        self.acknowledged.append(inference_id)
        if self.n_tries - n_before == len(ids) + 1:
            self.took_s.append(time.monotonic() - began_s)
        return inference_id

    @property
    def client(self) -> Client:
        """Her signed-in client; she signs in again when her session ended."""
        if self._client is None:
            self._client = self.box.sign_in("nurse")
        return self._client

    def _template(self) -> dict[str, Any]:
        if not self._body:
            self._insist(self._learn)
        return self._body

    def _learn(self, client: Client) -> httpx.Response:
        answer = client.http.get("/v1/protocols/current")
        if answer.is_success:
            self._body = client.inference_body({})
        return answer

    def _insist(self, send: Callable[[Client], httpx.Response]) -> None:
        """Send until it is acknowledged."""
        give_up_s = time.monotonic() + GIVE_UP_AFTER_S
        while time.monotonic() < give_up_s:
            self.n_tries += 1
            try:
                answer = send(self.client)
            except httpx.TransportError:
                time.sleep(PAUSE_S)
                continue
            if answer.is_success:
                return
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                self._client = None
            elif answer.status_code not in _AGAIN:
                self.refusals.append(f"{answer.status_code} {answer.text}")
                return
            time.sleep(PAUSE_S)
        raise AssertionError(f"not acknowledged within {GIVE_UP_AFTER_S} s")


@contextmanager
def at_work(nurses: list[Nurse], *, pause_s: float = 0.0) -> Iterator[None]:
    """Let all of them submit until the block ends; what stopped one of them is raised."""
    over = threading.Event()
    faults: list[BaseException] = []

    def work(nurse: Nurse) -> None:
        try:
            while not over.is_set():
                nurse.submit()
                over.wait(pause_s)
        except BaseException as fault:  # noqa: BLE001 - raised below, in the test's thread
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(nurse,)) for nurse in nurses]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
    if faults:
        raise faults[0]
    assert not [refusal for nurse in nurses for refusal in nurse.refusals]
