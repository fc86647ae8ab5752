"""What ends the process each time it is scored is found out, and the others are answered."""

from __future__ import annotations

import signal
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx

from appliance.core.result import MAX_CRASHES_ALONE
from tests.system.boxes import Box, Client
from tests.torture.held import assert_sound
from tests.torture.restarts import Restarts
from tests.torture.trial import Trial

ROOT: Final = Path(__file__).parents[2]
N_OTHERS: Final = 8
N_POISON_SAMPLES: Final = 40_000
SETTLED_WITHIN_S: Final = 120.0
HEADER_BYTES: Final = 44
ENVIRONMENT: Final = {"SPIRA_RECONCILE_EVERY_S": "1", "PYTHONPATH": str(ROOT)}


def shortened(wav: bytes, n_samples: int) -> bytes:
    """Return the beginning of a 16-bit mono WAV."""
    n_bytes = 2 * n_samples
    sizes = [(HEADER_BYTES - 8 + n_bytes).to_bytes(4, "little"), n_bytes.to_bytes(4, "little")]
    head = wav[:4] + sizes[0] + wav[8 : HEADER_BYTES - 4] + sizes[1]
    return head + wav[HEADER_BYTES : HEADER_BYTES + n_bytes]


def submit(nurse: Client, golden: dict[str, bytes], sustentada: bytes) -> str:
    """Send one inference and return its id.

    The box may die of it before it answers; then it has kept it, since it died of running it.
    """
    recordings = {role: str(uuid.uuid4()) for role in golden}
    for role, recording_id in recordings.items():
        content = sustentada if role == "sustentada" else golden[role]
        answer = nurse.put_recording(role, content, recording_id=recording_id)
        assert answer.status_code == 201, answer.text
    inference_id = str(uuid.uuid4())
    body = nurse.inference_body(recordings)
    with suppress(httpx.TransportError):
        assert nurse.put_inference(body, inference_id=inference_id).status_code == 201
    return inference_id


def restart_until_answered(restarts: Restarts, nurse: Client, poison: str) -> int:
    """Start the box whenever it fell, until the poison has an answer; return how often it fell."""
    n_falls, deadline = 0, time.monotonic() + SETTLED_WITHIN_S
    while time.monotonic() < deadline:
        process = restarts.box.process
        assert process is not None
        if process.poll() is not None:
            assert process.returncode == -signal.SIGKILL, restarts.log()
            n_falls += 1
            restarts.ready(restarts.begin())
        elif _is_answered(nurse, poison):
            return n_falls
        time.sleep(0.05)
    raise AssertionError(f"no answer within {SETTLED_WITHIN_S} s: {restarts.log()}")


def _is_answered(nurse: Client, inference_id: str) -> bool:
    """Whether it has an answer; a box that falls meanwhile gives none."""
    try:
        answer = nurse.http.get(f"{nurse.home}/inferences/{inference_id}/result")
    except httpx.TransportError:
        return False
    return bool(answer.json()["inference"]["status"] != "processing")


def test_poison_is_an_error_and_the_others_are_answered(
    trial: Trial, tmp_path: Path, golden: dict[str, bytes]
) -> None:
    """Tried alone, after three crashes an error with its code; every other one is completed."""
    box = Box.make(tmp_path)
    program = (sys.executable, "-m", "tests.torture.poisoned_box", box.data, str(N_POISON_SAMPLES))
    restarts = Restarts(box=box, environment=ENVIRONMENT, command=program)
    try:
        assert restarts.ready(restarts.begin()), restarts.log()
        nurse = box.sign_in("nurse")
        others = [submit(nurse, golden, golden["sustentada"]) for _ in range(N_OTHERS)]
        poison = submit(nurse, golden, shortened(golden["sustentada"], N_POISON_SAMPLES))
        n_falls = restart_until_answered(restarts, nurse, poison)
        found = nurse.wait_for_result(poison)
        statuses = {nurse.wait_for_result(one)["inference"]["status"] for one in others}
        assert box.stop() == 0
    finally:
        box.end()
    assert found["inference"]["status"] == "error"
    assert found["result"]["error_code"] == "prediction-poisonous"
    assert statuses == {"completed"}
    # Once among others, then alone.
    assert n_falls == 1 + MAX_CRASHES_ALONE
    restarts.assert_within_the_limit()
    assert_sound(box.data)
    trial.sum_up(
        f"poison: {n_falls} crashes, {n_falls - 1} of them alone, then `prediction-poisonous`;"
        f" {len(others)} of {len(others)} others completed; {restarts.summary()}"
    )
