"""The wall clock jumps under load: nothing is lost, nothing revived, nothing stuck.

By +10 years, -10 days and to 1970, and back; a change of summer time is none: the box keeps UTC
everywhere, and no zone is asked.
"""

from __future__ import annotations

import json
import signal
import sqlite3
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from appliance.adapters.sqlite_records import open_records
from tests.system.boxes import Box, Client, run_spira, wait_until
from tests.torture.moved_clock import MovedBox, since_1970
from tests.torture.nurses import Nurse, at_work
from tests.torture.trial import Trial, needs

TEN_YEARS: Final = timedelta(days=3653)
JUMPS: Final = {"+10 years": TEN_YEARS, "-10 days": timedelta(days=-10), "1970": since_1970()}
RECONCILE_S: Final = 1.0
ERA_S: Final = 0.5
"""How long nurses work before the clock moves again."""
LONGEST_RUN_MS: Final = 60_000.0
N_GUESSES: Final = 12


@pytest.fixture
def moved(tmp_path: Path) -> Iterator[MovedBox]:
    """A running box with a clock that can be set."""
    needs("faketime", "faketime")
    made = Box.make(tmp_path)
    box = MovedBox(data=made.data, users=made.users)
    settings = box.data / "settings.toml"
    settings.touch(mode=0o600)
    settings.write_text(f"reconcile_every_s = {RECONCILE_S}\ntoken_minutes = 60\n")
    box.start()
    yield box
    box.end()


@dataclass
class Sessions:
    """Tokens that ended, each in its way, and those that have not."""

    box: MovedBox
    ended: dict[str, Client] = field(default_factory=dict)

    def end_some(self) -> None:
        """Sign out, and disable an account and enable it again."""
        self.ended["signed out"] = signed_out = self.box.sign_in("nurse")
        signed_out.http.delete("/v1/users/auth").raise_for_status()
        self.ended["disabled"] = disabled = self.box.sign_in("researcher")
        admin = self.box.sign_in("admin")
        for active in (False, True):
            path = f"/v1/users/{disabled.user_id}"
            admin.http.patch(path, json={"active": active}).raise_for_status()

    def revived(self) -> list[str]:
        """Return those that are let in again."""
        return [why for why, client in self.ended.items() if is_alive(client)]


def is_alive(client: Client) -> bool:
    """Return whether the box still knows who this is."""
    answer = client.http.get("/v1/users/me")
    assert answer.status_code in {httpx.codes.OK, httpx.codes.UNAUTHORIZED}, answer.text
    return answer.status_code == httpx.codes.OK


def box_time(nurse: Nurse) -> datetime:
    """Return what the box believes to be now: when it received what is sent now."""
    sent = nurse.submit()
    found = nurse.client.http.get(f"{nurse.client.home}/inferences/{sent}").json()
    return datetime.fromisoformat(found["received_at"])


def claim_and_vanish(box: MovedBox, nurse: Nurse, offset: timedelta) -> str:
    """Claim what waits as a worker would that is never heard of again; return its inference."""
    now, give_up_s = datetime.now(UTC) + offset, time.monotonic() + 60.0
    with closing(open_records(box.data / "records.db")) as records:
        while time.monotonic() < give_up_s:
            nurse.submit()
            claimed = records.jobs.claim(
                None, owner="vanished", now=now, lease_until=now + timedelta(seconds=120)
            )
            if claimed is not None:
                return claimed.inference_id
    raise AssertionError("the workers were always first")


def wait_for_answer(nurse: Nurse, inference_id: str) -> None:
    """Wait until what vanished was taken up again, which a minute's reconcile has to do."""

    def answered() -> bool:
        path = f"{nurse.client.home}/inferences/{inference_id}"
        return bool(nurse.client.http.get(path).json()["status"] == "completed")

    wait_until(answered, 20 * RECONCILE_S, "a result whose worker vanished in another time")


def send_unattached(nurse: Nurse) -> dict[str, str]:
    """Send the recordings of a patient whose form comes later; return their ids."""
    ids = {role: str(uuid.uuid4()) for role in nurse.recordings}
    for role, content in nurse.recordings.items():
        nurse.client.put_recording(role, content, recording_id=ids[role]).raise_for_status()
    return ids


def attach(nurse: Nurse, recordings: Mapping[str, str]) -> None:
    """Send the form of recordings sent earlier; they must still be here."""
    inference_id = str(uuid.uuid4())
    body = nurse.client.inference_body(recordings)
    answer = nurse.client.put_inference(body, inference_id=inference_id)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    nurse.acknowledged.append(inference_id)


def assert_time_is(nurse: Nurse, offset: timedelta) -> None:
    """The jump took effect in the process itself."""
    apart = box_time(nurse) - (datetime.now(UTC) + offset)
    assert abs(apart) < timedelta(minutes=2), apart


def guess(box: MovedBox) -> int:
    """Try wrong passwords until the box says wait; return how many."""
    for number in range(1, 20):
        answer = httpx.post(
            f"{box.address}/v1/users/auth",
            data={"username": box.users["researcher"]["username"], "password": "wrong" * 4},
        )
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            return number
    raise AssertionError("nobody was told to wait")


def results_of(box: MovedBox) -> list[Mapping[str, Any]]:
    """Return every result of the file, with how often its inference has one."""
    with closing(sqlite3.connect(f"{(box.data / 'records.db').as_uri()}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute("SELECT * FROM results ORDER BY seq")]


def doctor(box: MovedBox) -> set[str]:
    """Return what the doctor finds by the box's clock."""
    done = run_spira("doctor", "--json", "--data", str(box.data), check=False, env=box.environment)
    assert "findings" in done.stdout, done.stdout + done.stderr
    return {finding["code"] for finding in json.loads(done.stdout)["findings"]}


def assert_all_answered_once(box: MovedBox, nurses: list[Nurse]) -> list[float]:
    """Every acknowledged inference has one result, in a time that may be; return the times."""
    acknowledged = {one for nurse in nurses for one in nurse.acknowledged}

    def answered() -> bool:
        return all(result["state"] == "done" for result in results_of(box))

    wait_until(answered, 60.0, "every result")
    results = results_of(box)
    assert sorted(result["inference_id"] for result in results) == sorted(acknowledged)
    took_ms = [float(result["latency_ms"]) for result in results]
    assert all(0.0 <= ms <= LONGEST_RUN_MS for ms in took_ms), max(took_ms)
    return took_ms


def jump_and_return(box: MovedBox, nurse: Nurse, offset: timedelta, sessions: Sessions) -> None:
    """Move the clock away and back, and hold every promise in both times."""
    ahead = offset > timedelta()
    unattached = send_unattached(nurse)
    met = box.sign_in("nurse")
    # The claim that is dangerous is the one whose time has not come yet after the next jump.
    vanished = "" if ahead else claim_and_vanish(box, nurse, timedelta())

    box.set_clock(offset)
    assert_time_is(nurse, offset)
    assert is_alive(met) is not ahead, "ahead it expired, further back it has time left"
    box.sign_in("admin")
    if ahead:
        assert guess(box) <= N_GUESSES
        vanished = claim_and_vanish(box, nurse, offset)
    else:
        if offset == JUMPS["1970"]:
            assert "clock-went-back" in doctor(box)
        wait_for_answer(nurse, vanished)
    time.sleep(ERA_S)
    assert not sessions.revived()

    box.set_clock(timedelta())
    assert_time_is(nurse, timedelta())
    if ahead:
        sessions.ended["expired"] = met
    assert not sessions.revived()
    assert is_alive(met) is not ahead, "what was refused once is over; what never was goes on"
    box.sign_in("researcher")
    wait_for_answer(nurse, vanished)
    attach(nurse, unattached)


def restart_elsewhen(box: MovedBox, nurse: Nurse, offset: timedelta, sessions: Sessions) -> None:
    """Cut the power, start with another clock, set it right while the box runs."""
    unattached = send_unattached(nurse)
    before = box.sign_in("nurse")
    box.stop(signal.SIGKILL)
    box.set_clock(offset)
    box.start()
    assert_time_is(nurse, offset)
    assert not is_alive(before), "how old it is cannot be known"
    there = box.sign_in("nurse")
    time.sleep(ERA_S)

    box.set_clock(timedelta())
    assert_time_is(nurse, timedelta())
    sessions.ended[f"before a restart {offset}"] = before
    assert not sessions.revived()
    assert is_alive(there) is (offset > timedelta()), "its hour is not over, unless by the clock"
    box.sign_in("researcher")
    attach(nurse, unattached)


@pytest.mark.alone
def test_the_clock_jumps(moved: MovedBox, golden: dict[str, bytes], trial: Trial) -> None:
    """Whatever the wall clock does, what is acknowledged is answered once and what ended ended."""
    sessions, probe = Sessions(box=moved), Nurse(box=moved, recordings=golden)
    nurses = [Nurse(box=moved, recordings=golden) for _ in range(2)]
    sessions.end_some()
    n_rounds, n_jumps = trial.amount(short=1, long=5), 0
    with at_work(nurses, pause_s=0.2):
        for round_ in range(n_rounds):
            order = list(JUMPS.values())
            trial.random("jumps", round_).shuffle(order)
            for offset in order:
                jump_and_return(moved, probe, offset, sessions)
            for offset in (TEN_YEARS, since_1970()):
                restart_elsewhen(moved, probe, offset, sessions)
            n_jumps += 2 * (len(order) + 2)
    took_ms = assert_all_answered_once(moved, [*nurses, probe])
    listed = probe.client.http.get(f"{probe.client.home}/inferences").json()["inferences"]
    assert len({one["id"] for one in listed}) == len(listed) == len(took_ms)
    assert moved.stop() == 0
    verified = run_spira("audit", "verify", "--data", str(moved.data))
    assert verified.returncode == 0
    trial.sum_up(
        f"clock: {n_jumps} jumps (+10 years, -10 days, 1970, back; {2 * n_rounds} in a restart),"
        f" {len(took_ms)} acknowledged, 0 lost, 0 doubled, 0 stuck, 0 sessions revived,"
        f" runs of {min(took_ms):.0f} to {max(took_ms):.0f} ms"
    )
