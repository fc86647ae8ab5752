"""Wi-Fi that breaks off anywhere, and clients that repeat, twice at once and out of order."""

from __future__ import annotations

import hashlib
import random
import sqlite3
import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import numpy as np
import pytest

from appliance.adapters.audio_files import AudioFiles
from appliance.adapters.sqlite_records import open_records
from appliance.core.wav import write_wav
from appliance.usecases.housekeeping import erase_unreferenced
from tests.system.boxes import Box, Client, wait_until
from tests.torture.nurses import Nurse, at_work
from tests.torture.proxy import Cut, How, Proxy, proxy_to
from tests.torture.trial import Trial

ROLES: Final = ("aceite", "sustentada", "parlenda")
TENTHS: Final = tuple(tenth / 10 for tenth in range(1, 11))
RATE_HZ: Final = 16_000
LIMITS: Final = 30.0

Send = Callable[[Client], httpx.Response]


def a_take(chance: random.Random) -> bytes:
    """Return one second that nobody ever recorded before."""
    noise = np.random.default_rng(chance.randrange(2**32)).normal(0, 3_000, RATE_HZ)
    return write_wav(noise.astype(np.int16), RATE_HZ)


def sha256_of(content: bytes) -> str:
    """Return the name under which content is stored."""
    return hashlib.sha256(content).hexdigest()


@dataclass
class Patient:
    """Recordings and form of one patient, with the ids under which they are repeated."""

    chance: random.Random
    nurse: Client
    inference_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    takes: dict[str, bytes] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Record and fill in."""
        self.takes = {role: a_take(self.chance) for role in ROLES}
        self.ids = {role: str(uuid.uuid4()) for role in ROLES}
        self.body = self.nurse.inference_body(self.ids)

    def recording(self, role: str) -> Send:
        """Return what sends one recording."""
        return lambda c: c.put_recording(role, self.takes[role], recording_id=self.ids[role])

    def inference(self) -> Send:
        """Return what sends the form."""
        return lambda c: c.put_inference(self.body, inference_id=self.inference_id)

    def send_recordings(self, *roles: str) -> None:
        """Send recordings without trouble."""
        for role in roles:
            assert self.recording(role)(self.nurse).status_code == httpx.codes.CREATED


def once(client: Client, port: int) -> Client:
    """Return the same user on a new connection through this port."""
    http = httpx.Client(
        base_url=f"http://127.0.0.1:{port}", headers=client.http.headers, timeout=LIMITS
    )
    return Client(http=http, user_id=client.user_id)


def cut_and_repeat(send: Send, cut: Cut, nurse: Client, proxy: Proxy) -> httpx.Response:
    """Send into a connection that breaks off, then again; return the second answer."""
    n_before = proxy.n_cut
    proxy.cuts.append(cut)
    first = once(nurse, proxy.port)
    with first.http, pytest.raises(httpx.TransportError):
        send(first)
    assert proxy.n_cut == n_before + 1
    second = once(nurse, proxy.port)
    with second.http:
        return send(second)


def at_the_same_time(*sends: Send, nurse: Client, port: int) -> list[httpx.Response]:
    """Send all of them at the very same time, each on its own connection."""
    barrier, answers = threading.Barrier(len(sends)), [httpx.Response(0)] * len(sends)

    def send(number: int) -> None:
        client = once(nurse, port)
        with client.http:
            client.http.get("/health/live")  # the connection is there
            barrier.wait(LIMITS)
            answers[number] = sends[number](client)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(len(sends))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def rows(box: Box, select: str) -> list[tuple[Any, ...]]:
    """Read the database as it is."""
    path = f"{(box.data / 'records.db').as_uri()}?mode=ro"
    with closing(sqlite3.connect(path, uri=True)) as records:
        return records.execute(select).fetchall()


def n_left_behind(box: Box) -> tuple[int, int, int]:
    """Return part files now, and after a sweep files and recordings that belong to nothing."""
    n_parts = len(list((box.data / "audio").glob(".*.part")))
    audio = AudioFiles(box.data / "audio", reserve_bytes=0)
    with closing(open_records(box.data / "records.db")) as records:
        for sha256 in set(audio.hashes()).difference(records.recordings.content_hashes()):
            erase_unreferenced(sha256, audio=audio, recordings=records.recordings)
        audio.sweep(older_than_s=0.0)
        named = set(records.recordings.content_hashes())
    files = {path.stem for path in (box.data / "audio").glob("*.wav")}
    ((n_unattached,),) = rows(
        box,
        "SELECT count(*) FROM recordings WHERE id NOT IN (SELECT recording_id FROM attachments)",
    )
    return n_parts, len(files ^ named), int(n_unattached)


def assert_stored_once(box: Box, patients: list[Patient], *, n_others: int) -> None:
    """Each id is there once with what was sent under it, and has one result, which is no error."""
    recordings = dict(rows(box, "SELECT id, sha256 FROM recordings"))
    sent = {one.ids[role]: sha256_of(one.takes[role]) for one in patients for role in ROLES}
    assert recordings.items() >= sent.items()
    inferences = [row[0] for row in rows(box, "SELECT id FROM inferences")]
    assert len(set(inferences)) == len(inferences) == len(patients) + n_others
    assert set(inferences) >= {one.inference_id for one in patients}
    results = rows(box, "SELECT inference_id FROM results WHERE state = 'done'")
    assert sorted(row[0] for row in results) == sorted(inferences)
    assert rows(box, "SELECT count(*) FROM results") == [(len(results),)]


def wait_for_all(box: Box) -> None:
    """Wait until every inference is answered."""
    waiting = "SELECT count(*) FROM inferences WHERE status = 'processing'"
    wait_until(lambda: rows(box, waiting) == [(0,)], 120.0, "every result")


def cut_everywhere(trial: Trial, nurse: Client, proxy: Proxy) -> tuple[list[Patient], int]:
    """Cut each kind of upload at every tenth; return whom, and how many answers were lost."""
    patients: list[Patient] = []
    n_lost_answers = 0
    cuts = [Cut(fraction=fraction, how=how) for how in How for fraction in TENTHS]
    for cut in cuts * trial.amount(short=1, long=5):
        again = httpx.codes.OK if cut.fraction >= 1.0 else httpx.codes.CREATED
        patient = Patient(trial.random("patient", len(patients)), nurse)
        patients.append(patient)
        patient.send_recordings(*ROLES[1:])
        for send in (patient.recording(ROLES[0]), patient.inference()):
            answer = cut_and_repeat(send, cut, nurse, proxy)
            assert answer.status_code == again, (cut, answer.text)
        takes = {role: a_take(patient.chance) for role in ROLES}
        answer = cut_and_repeat(_multipart(takes), cut, nurse, proxy)
        assert answer.status_code == httpx.codes.OK, (cut, answer.text)
        n_lost_answers += cut.fraction >= 1.0
    return patients, n_lost_answers


def _multipart(takes: Mapping[str, bytes]) -> Send:
    return lambda c: c.post_2022(takes)


def read_again(nurse: Client, patient: Patient, proxy: Proxy) -> None:
    """Read a result whose answer gets lost: the next one says the same."""
    path = f"{nurse.home}/inferences/{patient.inference_id}/result"
    answers = [
        cut_and_repeat(lambda c: c.http.get(path), Cut(fraction=1.0, how=how), nurse, proxy).json()
        for how in How
    ]
    assert answers[0] == answers[1]
    assert answers[0]["inference"]["first_shown_at"]


def test_uploads_are_cut(box: Box, golden: dict[str, bytes], trial: Trial) -> None:
    """Repeated with the same ids all is stored once; the 2022 request twice if its answer is lost.

    It bears no id: whether a nurse means the same patient again the box cannot know, and keeps
    what it is sent. A body that was cut never makes a double.
    """
    nurse, colleague = box.sign_in("nurse"), Nurse(box=box, recordings=golden)
    with proxy_to(box.port) as proxy:
        with at_work([colleague], pause_s=0.2):
            patients, n_lost = cut_everywhere(trial, nurse, proxy)
        n_cuts = proxy.n_cut
        wait_for_all(box)
        for patient in patients[:3]:
            read_again(nurse, patient, proxy)
    assert len(colleague.took_s) == len(colleague.acknowledged) > 0, "each at the first try"
    n_others = len(patients) + n_lost + len(colleague.acknowledged)
    assert_stored_once(box, patients, n_others=n_others)
    assert n_left_behind(box) == (0, 0, 0)
    trial.sum_up(
        f"cut uploads: {n_cuts} cuts at every tenth by FIN and RST, all stored, 0 doubled by id,"
        f" {n_lost} doubles of {len(patients)} requests of 2022 (an answer lost, no id),"
        f" 0 orphans, {len(colleague.acknowledged)} of a colleague at the first try"
    )


def shuffled_retries(patient: Patient) -> tuple[int, int]:
    """Send form and recordings in any order, some of them thrice; return sends and refusals."""
    here: set[str] = set()
    steps = [*ROLES, "form"] * 3
    patient.chance.shuffle(steps)
    n_refused = 0
    for step in (*steps, *ROLES, "form"):
        if step == "form":
            answer = patient.inference()(patient.nurse)
            lacking = {patient.ids[role] for role in ROLES if role not in here}
            if lacking:
                assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
                assert answer.json()["code"] == "recordings-missing"
                assert set(answer.json()["missing"]) == lacking
                n_refused += 1
                continue
        else:
            answer = patient.recording(step)(patient.nurse)
        expected = httpx.codes.OK if step in here else httpx.codes.CREATED
        assert answer.status_code == expected, (step, answer.text)
        here.add(step)
    return len(steps) + len(ROLES) + 1, n_refused


def twins(patient: Patient, port: int) -> None:
    """Send the same twice at the very same time: one is stored, both are told so."""
    nurse = patient.nurse
    patient.send_recordings(*ROLES[1:])
    for send in (patient.recording(ROLES[0]), patient.inference()):
        answers = at_the_same_time(send, send, nurse=nurse, port=port)
        found = sorted(answer.status_code for answer in answers)
        assert found == [httpx.codes.OK, httpx.codes.CREATED], [one.text for one in answers]


def rivals(patient: Patient, port: int) -> None:
    """Send other content under the same id at the very same time: one wins, the other is told."""
    nurse, role = patient.nurse, ROLES[0]
    patient.send_recordings(*ROLES[1:])
    takes = [patient.takes[role], a_take(patient.chance)]

    def send(content: bytes) -> Send:
        return lambda c: c.put_recording(role, content, recording_id=patient.ids[role])

    answers = at_the_same_time(*map(send, takes), nurse=nurse, port=port)
    won = _winner(answers)
    patient.takes[role] = takes[won]
    bodies = [patient.body, {**patient.body, "stopped_early": True}]

    def submit(body: Mapping[str, Any]) -> Send:
        return lambda c: c.put_inference(body, inference_id=patient.inference_id)

    patient.body = bodies[_winner(at_the_same_time(*map(submit, bodies), nurse=nurse, port=port))]
    assert patient.inference()(nurse).status_code == httpx.codes.OK


def _winner(answers: list[httpx.Response]) -> int:
    found = [answer.status_code for answer in answers]
    assert sorted(found) == [httpx.codes.CREATED, httpx.codes.CONFLICT], [a.text for a in answers]
    return found.index(httpx.codes.CREATED)


def test_retries_come_twice_and_out_of_order(box: Box, trial: Trial) -> None:
    """Duplicates, any order, and two at the very same time: one of each, and never an orphan."""
    nurse, patients, n_sent, n_refused = box.sign_in("nurse"), list[Patient](), 0, 0
    for number in range(trial.amount(short=5, long=50)):
        patients.append(Patient(trial.random("shuffled", number), nurse))
        sent, refused = shuffled_retries(patients[-1])
        n_sent, n_refused = n_sent + sent, n_refused + refused
    n_pairs = trial.amount(short=12, long=100)
    for meet in (twins, rivals):
        for number in range(n_pairs):
            patients.append(Patient(trial.random(meet.__name__, number), nurse))
            meet(patients[-1], box.port)
    wait_for_all(box)
    assert_stored_once(box, patients, n_others=0)
    assert n_left_behind(box) == (0, 0, 0)
    trial.sum_up(
        f"retries: {n_sent} in any order ({n_refused} forms before their recordings, refused by"
        f" id), {2 * n_pairs} identical pairs at once: one 201, one 200;"
        f" {2 * n_pairs} pairs of other content: one 201, one 409; 0 doubled, 0 orphans"
    )
