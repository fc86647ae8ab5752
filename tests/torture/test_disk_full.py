"""A full disk: 507 at once, nothing acknowledged lost, and what must go on goes on."""

from __future__ import annotations

import json
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from appliance.adapters.ballast_files import N_PIECES
from tests.commands.console import EVERYTHING
from tests.system.boxes import Client, run_spira, wait_until
from tests.torture.full_disk import (
    FULL,
    Ledger,
    SmallBox,
    Submission,
    a_submission,
    ballast_bytes,
    box_on_small_disk,
    deceive,
    doctor_codes,
    early_answer,
    n_pieces,
    n_running,
)
from tests.torture.small_disk import BLOCK_BYTES, MIB, SmallDisk
from tests.torture.trial import Trial, needs, needs_root

BACK_WITHIN_S = 10.0
N_SIGN_INS = 12
N_PASSED = 3
N_TRIES = 20
SEEN_WITHIN_S = 0.3
N_EDGE = 12
N_BLOCKS_MAX = 1_000


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Need what mounts a disk; let a minute be a second, and ballast what it is by default."""
    needs_root("a disk of its own")
    needs("mkfs.ext4", "e2fsprogs")
    monkeypatch.setenv("SPIRA_RECONCILE_EVERY_S", "1")
    monkeypatch.delenv("SPIRA_BALLAST_BYTES", raising=False)


def test_disk_full_at_every_block_of_a_submission(
    trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without reserve and ballast: whichever write meets the end of the disk says 507."""
    monkeypatch.setenv("SPIRA_BALLAST_BYTES", "0")
    with box_on_small_disk(tmp_path, n_mib=48) as (box, disk):
        box.stop()
        box.program = deceive(tmp_path)
        box.start()
        ledger = Ledger()
        steps, unfinished = _swept(box, disk, ledger, trial)
        disk.empty()
        wait_until(box.is_ready, BACK_WITHIN_S, "the box to be whole again")
        nurse = box.sign_in("nurse")
        again = unfinished[:: max(1, len(unfinished) // 10)]
        assert all(ledger.send(nurse, sent) for sent in again)
        ledger.answered(nurse)
        assert box.stop() == 0
        ledger.held_by(box)
        trial.sum_up(
            f"disk full, no reserve: {len(steps)} steps of 4 KiB and more from 0 to"
            f" {max(steps) * BLOCK_BYTES // 1024} KiB, {len(ledger.refused_s)} times 507 in at most"
            f" {max(ledger.refused_s):.2f} s (< 2 s), {len(ledger.recordings)} recordings and"
            f" {len(ledger.inferences)} inferences acknowledged, 0 lost, 0 doubled"
        )


def _swept(
    box: SmallBox, disk: SmallDisk, ledger: Ledger, trial: Trial
) -> tuple[list[int], list[Submission]]:
    """Send with a little more room each time until whole submissions pass.

    Returns:
        How many blocks were free at each step, and what was not taken whole.
    """
    chance, nurse = trial.random("sweep"), box.sign_in("nurse")
    kills = sorted(chance.randrange(1, 60) for _ in range(trial.amount(short=2, long=6)))
    steps: list[int] = [0]
    unfinished: list[Submission] = []
    n_passed = 0
    while n_passed < N_PASSED:
        sent = a_submission(chance)
        sent.body = nurse.inference_body(sent.recordings)
        disk.leave(steps[-1] * BLOCK_BYTES)
        passed = ledger.send(nurse, sent)
        n_passed = n_passed + 1 if passed else 0
        unfinished += [] if passed else [sent]
        _sign_in_or_full(box, ledger, chance.choice(("nurse", "researcher", "admin")))
        if kills and steps[-1] >= kills[0]:
            kills.pop(0)
            nurse = _killed_and_started(box, disk, ledger, chance)
        is_edge = steps[-1] < N_EDGE
        steps.append(steps[-1] + trial.amount(short=1 if is_edge else chance.randint(1, 4), long=1))
        assert steps[-1] < N_BLOCKS_MAX
    return steps, unfinished


def _sign_in_or_full(box: SmallBox, ledger: Ledger, role: str = "researcher") -> None:
    """Sign in, or be told that the disk is full."""
    user = box.users[role]
    sent = {"username": user["username"], "password": user["password"]}
    began_s = time.monotonic()
    answer = httpx.post(f"{box.address}/v1/users/auth", data=sent, timeout=30.0)
    ledger.judged(answer, time.monotonic() - began_s)


def _kill_at_work(box: SmallBox, ledger: Ledger, chance: random.Random) -> None:
    """Kill the box while it computes a result."""
    nurse = box.sign_in("nurse")
    for _ in range(N_TRIES):
        assert ledger.send(nurse, a_submission(chance))
        until_s = time.monotonic() + SEEN_WITHIN_S
        while time.monotonic() < until_s and not n_running(box):
            pass
        if n_running(box):
            box.stop(signal.SIGKILL)
            if n_running(box):
                return
            box.start()
            nurse = box.sign_in("nurse")
    pytest.fail("the box was never seen at its work")


def _killed_and_started(
    box: SmallBox, disk: SmallDisk, ledger: Ledger, chance: random.Random
) -> Client:
    """Kill the box at its work, start it on a disk without a byte, sign in once there is room.

    A result that was being computed has to be put right first, and cannot be.
    """
    disk.leave(4 * MIB)
    _kill_at_work(box, ledger, chance)
    disk.leave(0)
    box.begins = False
    box.start()
    lacking = httpx.get(f"{box.address}/health/ready").json()["lacking"]
    assert "workers" in lacking
    box.begins = True
    disk.leave(4 * MIB)
    wait_until(box.is_ready, BACK_WITHIN_S, "the box to be whole again")
    return box.sign_in("nurse")


def test_what_must_go_on_goes_on_when_the_disk_is_full(trial: Trial, tmp_path: Path) -> None:
    """Recordings are refused first, then inferences; sign-in, reads and results never."""
    with box_on_small_disk(tmp_path, n_mib=160) as (box, disk):
        _wait_for_ballast(box)
        whole = ballast_bytes(box)
        ledger, chance, nurse = Ledger(), trial.random("voices"), box.sign_in("nurse")
        before = a_submission(chance)
        assert ledger.send(nurse, before)
        _refused_in_order(box, disk, ledger, nurse, trial)
        disk.leave(0)
        _lives_on(box, ledger, nurse)
        _export_and_doctor(box, tmp_path)
        assert not ledger.send(nurse, a_submission(chance))
        given_up = whole - ballast_bytes(box)
        assert given_up > 0
        box.stop(signal.SIGKILL)
        box.start()
        nurse = box.sign_in("nurse")
        _lives_on(box, ledger, nurse)
        _eat_all_ballast(box, disk, ledger)
        box.stop(signal.SIGKILL)
        box.begins = False
        box.start()
        box.begins = True
        disk.empty()
        back_s = _back(box, ledger, trial)
        wait_until(lambda: ballast_bytes(box) >= whole, BACK_WITHIN_S, "the ballast to be back")
        ledger.answered(box.sign_in("nurse"))
        assert box.stop() == 0
        ledger.held_by(box)
        trial.sum_up(
            f"disk full, with reserve: recordings, then inferences 507 in at most"
            f" {max(ledger.refused_s):.2f} s (< 2 s); {2 * N_SIGN_INS} sign-ins, audited reads,"
            f" results, export and doctor went on with {given_up // 1024} of {whole // 1024} KiB"
            f" ballast; started twice on the full disk; taken again {back_s:.1f} s after the space"
            f" was back, ballast whole; {len(ledger.inferences)} inferences, 0 lost"
        )


def _wait_for_ballast(box: SmallBox) -> None:
    wait_until(lambda: n_pieces(box) == N_PIECES, BACK_WITHIN_S, "the ballast")


def _refused_in_order(
    box: SmallBox, disk: SmallDisk, ledger: Ledger, nurse: Client, trial: Trial
) -> None:
    """Fill the disk level by level, and see who is refused."""
    total = 160 * MIB
    chance = trial.random("levels")
    at_recordings, at_inferences = a_submission(chance), a_submission(chance)
    for sent in (at_recordings, at_inferences):
        for role, content in sent.content.items():
            answer = nurse.put_recording(role, content, recording_id=sent.recordings[role])
            assert answer.is_success
    # In the midst of a recording the room for recordings comes to its end.
    disk.leave(total // 8 + MIB)
    status, n_sent = early_answer(box, nurse, n_mib=20)
    assert (status, n_sent < 1) == (FULL, True)
    disk.leave(total // 10)
    assert early_answer(box, nurse, n_mib=20) == (FULL, 0.0)
    answer = nurse.put_recording("aceite", at_recordings.content["aceite"])
    assert not ledger.judged(answer, answer.elapsed.total_seconds())
    at_recordings.body = nurse.inference_body(at_recordings.recordings)
    assert nurse.put_inference(at_recordings.body, inference_id=at_recordings.id).is_success
    ledger.inferences.append(at_recordings.id)
    disk.leave(total // 20)
    body = nurse.inference_body(at_inferences.recordings)
    answer = nurse.put_inference(body, inference_id=at_inferences.id)
    assert not ledger.judged(answer, answer.elapsed.total_seconds())
    # What was acknowledged may be sent again all the same.
    body = at_recordings.body
    assert nurse.put_inference(body, inference_id=at_recordings.id).status_code == httpx.codes.OK
    whole = ballast_bytes(box)
    box.sign_in("nurse")
    assert ballast_bytes(box) == whole


def _lives_on(
    box: SmallBox, ledger: Ledger, nurse: Client, *, fill: Callable[[], object] = lambda: None
) -> None:
    """Do everything that must be possible on a full disk, and find its audit rows.

    Somebody fills it once more before the large uploads: what went on gave names back.
    """
    n_rows = _n_audit_rows(box)
    for _ in range(N_SIGN_INS):
        box.sign_in("nurse").http.close()
    inference_id = ledger.inferences[0]
    found = nurse.wait_for_result(inference_id)
    home = f"{nurse.home}/inferences/{inference_id}"
    assert nurse.http.get(home).is_success
    attached = nurse.http.get(home).json()["recordings"][0]["id"]
    opened = nurse.http.get(f"{home}/recordings/{attached}")
    assert opened.is_success
    assert found["result"]["diagnosis"]
    researcher = box.sign_in("researcher")
    assert researcher.http.get(f"{home}/results").is_success
    ledger.answered(nurse)
    # Each sign-in, the opened recording, and the reading of the results.
    assert _n_audit_rows(box) >= n_rows + N_SIGN_INS + 3
    fill()
    large = bytes(20 * MIB)
    began_s = time.monotonic()
    answer = nurse.put_recording("aceite", large)
    assert not ledger.judged(answer, time.monotonic() - began_s)
    assert not ledger.judged(nurse.post_2022(dict.fromkeys(("aceite", "parlenda"), large)), 0)


def _n_audit_rows(box: SmallBox) -> int:
    done = run_spira("audit", "verify", "--json", "--data", str(box.data))
    n_rows: int = json.loads(done.stdout)["audit"]["n_rows"]
    return n_rows


def _export_and_doctor(box: SmallBox, elsewhere: Path) -> None:
    target = elsewhere / "export"
    run_spira("export", str(target), *EVERYTHING, "--data", str(box.data))
    assert (target / "SHA256SUMS").is_file()
    finding = doctor_codes(box)["disk-full"]
    assert finding["severity"] == "error"
    assert all(finding[part] for part in ("effect", "cause", "remedy"))


def _eat_all_ballast(box: SmallBox, disk: SmallDisk, ledger: Ledger) -> None:
    """Let somebody fill the disk again and again, until nothing can be given up any more."""
    while ballast_bytes(box):
        disk.leave(0)
        _sign_in_or_full(box, ledger)
    disk.leave(0)
    for _ in range(50):
        _sign_in_or_full(box, ledger)


def _back(box: SmallBox, ledger: Ledger, trial: Trial) -> float:
    """Return how long it took until a submission was taken again, without a restart."""
    began_s, chance = time.monotonic(), trial.random("back")
    wait_until(box.is_ready, BACK_WITHIN_S, "the box to be whole again")
    nurse = box.sign_in("nurse")
    wait_until(lambda: ledger.send(nurse, a_submission(chance)), BACK_WITHIN_S, "a submission")
    return time.monotonic() - began_s


def test_names_that_run_out_are_a_full_disk(
    trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file more can be made, though there is space: 507, and what must go on goes on."""
    monkeypatch.setenv("SPIRA_BALLAST_BYTES", str(2 * MIB))
    n_refused, n_started = 0, 0
    for believes_in_plenty in (False, True):
        directory = tmp_path / f"plenty-{believes_in_plenty}"
        directory.mkdir()
        with box_on_small_disk(directory, n_mib=64, n_names=512) as (box, disk):
            if believes_in_plenty:
                box.stop()
                box.program = deceive(directory)
                box.start()
            _wait_for_ballast(box)
            ledger, chance = Ledger(), trial.random("names", believes_in_plenty)
            nurse = box.sign_in("nurse")
            assert ledger.send(nurse, a_submission(chance))
            disk.take_all_names()
            assert not ledger.send(nurse, a_submission(chance))
            box.stop(signal.SIGKILL)
            disk.take_all_names()
            box.start()
            n_started += 1
            _lives_on(box, ledger, box.sign_in("nurse"), fill=disk.take_all_names)
            disk.empty()
            _back(box, ledger, trial)
            assert box.stop() == 0
            ledger.held_by(box)
            n_refused += len(ledger.refused_s)
    trial.sum_up(
        f"names run out: {n_refused} times 507, sign-in, reads and results went on, started"
        f" {n_started} times without a name, 0 lost"
    )
