"""200 slow clients take places, and the ward notices nothing."""

from __future__ import annotations

import socket
import statistics
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx
import numpy as np
import pytest

from appliance.core.wav import write_wav
from tests.system.boxes import Box, Client, wait_until
from tests.torture.nurses import Nurse, at_work
from tests.torture.slow_clients import Attack, Crowd
from tests.torture.trial import Trial

N_OF_KIND: Final = {
    "silent": 60,
    "header": 50,
    "body": 40,
    "chunks": 20,
    "reading": 10,
    "half-closed": 20,
}
ADDRESSES: Final = tuple(f"127.0.0.{number}" for number in range(2, 22))
LIMIT_S: Final = {
    "silent": 10.0,
    "header": 10.0,
    "body": 30.0,
    "chunks": 30.0,
    "reading": 30.0,
    "half-closed": 10.0,
}
LATE_S: Final = 8.0
"""A timer of a box on a busy machine."""
MAX_FACTOR: Final = 2.0
FLOOR_S: Final = 0.15
"""Below that a p95 is noise of the machine."""
MAX_GROWTH_BYTES: Final = 200_000_000


def p95(took_s: list[float]) -> float:
    """Return the 95th percentile."""
    return statistics.quantiles(took_s, n=20)[-1]


def window(nurses: list[Nurse], length_s: float) -> float:
    """Let nurses work for a while; return the p95 of their submissions, each at first try."""
    for nurse in nurses:
        nurse.took_s.clear()
    with at_work(nurses):
        time.sleep(length_s)
    return p95([took_s for nurse in nurses for took_s in nurse.took_s])


def n_descriptors(box: Box) -> int:
    """Return how many sockets and part files the box holds open.

    The database is left out: each thread opens it when it is first needed.
    """
    assert box.process is not None
    held = 0
    for path in Path(f"/proc/{box.process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            target = str(path.readlink())
            held += target.startswith("socket:") or ".part" in target
    return held


def memory_bytes(box: Box, line: str = "VmRSS") -> int:
    """Return what the box uses of memory."""
    assert box.process is not None
    status = Path(f"/proc/{box.process.pid}/status").read_text()
    (found,) = (text.split()[1] for text in status.splitlines() if text.startswith(line))
    return int(found) * 1024


def an_attack(box: Box, nurse: Client) -> Attack:
    """Store a big recording, for those who do not read it."""
    noise = np.random.default_rng(1).normal(0, 3_000, 48_000 * 60).astype(np.int16)
    recording_id, inference_id = str(uuid.uuid4()), str(uuid.uuid4())
    sent = nurse.put_recording("parlenda", write_wav(noise, 48_000), recording_id=recording_id)
    sent.raise_for_status()
    body = {
        **nurse.inference_body({"parlenda": recording_id}),
        "purpose": "collection",
        "not_done": {"aceite": "technical", "sustentada": "technical"},
    }
    nurse.put_inference(body, inference_id=inference_id).raise_for_status()
    return Attack(
        port=box.port,
        token=nurse.http.headers["Authorization"].removeprefix("Bearer "),
        home=nurse.home,
        wav=f"{nurse.home}/inferences/{inference_id}/recordings/{recording_id}",
    )


def members(trial: Trial, round_: int) -> list[tuple[str, str]]:
    """Return kinds and addresses: from everywhere, and every second round from one."""
    kinds = [kind for kind, n_kind in N_OF_KIND.items() for _ in range(n_kind)]
    chance = trial.random("slow", round_)
    chance.shuffle(kinds)
    return [(kind, ADDRESSES[0] if round_ % 2 else chance.choice(ADDRESSES)) for kind in kinds]


@pytest.mark.alone
def test_slow_clients_hinder_nobody(box: Box, golden: dict[str, bytes], trial: Trial) -> None:
    """Nurses' p95 stays below twice what it is, and each slow client is let go in its time."""
    attack = an_attack(box, box.sign_in("nurse"))
    nurses = [Nurse(box=box, recordings=golden) for _ in range(2)]
    length_s, n_slow = trial.amount(short=7, long=20), 0
    window(nurses, 3.0)  # all is loaded and warm
    wait_until(lambda: n_sockets_idle(box), 30.0, "idle connections to end")
    n_before = n_descriptors(box)
    quiet, beset = [window(nurses, length_s)], list[float]()
    bytes_before = memory_bytes(box, "VmHWM")
    for round_ in range(trial.amount(short=1, long=4)):
        crowd = Crowd.gather(attack, members(trial, round_))
        beset += [window(nurses, length_s) for _ in range(3)]
        wait_until(crowd.is_over, 60.0, "the box to let go of all slow clients")
        assert not crowd.faults
        n_slow += sum(N_OF_KIND.values())
        quiet.append(window(nurses, length_s))
    usual_s, then_s = statistics.median(quiet), statistics.median(beset)
    assert then_s < MAX_FACTOR * max(usual_s, FLOOR_S), (quiet, beset)
    for kind, held_s in attack.held_s.items():
        assert max(held_s) < LIMIT_S[kind] + LATE_S, (kind, max(held_s))
    assert sum(map(len, attack.held_s.values())) == n_slow
    peak_bytes = memory_bytes(box, "VmHWM")
    assert peak_bytes < bytes_before + MAX_GROWTH_BYTES
    wait_until(lambda: n_descriptors(box) <= n_before, 30.0, "descriptors to be closed")
    assert list((box.data / "audio").glob(".*.part")) == []
    longest = ", ".join(f"{k} {max(v):.0f} s" for k, v in sorted(attack.held_s.items()))
    trial.sum_up(
        f"slow clients: {n_slow}, {sum(N_OF_KIND.values())} at once, p95 of a submission"
        f" {1000 * usual_s:.0f} ms without and {1000 * then_s:.0f} ms with them (limit 2 x),"
        f" {sum(len(n.acknowledged) for n in nurses)} acknowledged, let go after {longest};"
        f" peak {peak_bytes / 1e6:.0f} MB, 0 descriptors and 0 part files left"
    )


def n_sockets_idle(box: Box) -> bool:
    """Return whether only the box's own files and its listening socket are open."""
    before = n_descriptors(box)
    time.sleep(1.0)
    return n_descriptors(box) == before


def own_address() -> str:
    """Return an address of this machine other than the loopback; skip where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but the loopback")
        address: str = probe.getsockname()[0]
        return address


@pytest.mark.alone
def test_one_address_takes_half_the_places_and_newcomers_get_in(
    tmp_path: Path, trial: Trial
) -> None:
    """Of 200 silent ones from one address 128 stay; of 300 from many, none keeps a nurse out."""
    address = own_address()
    box = Box.make(tmp_path)
    settings = box.data / "settings.toml"
    settings.touch(mode=0o600)
    settings.write_text(f'host = "0.0.0.0"\nallowed_hosts = ["127.0.0.1", "{address}"]\n')
    box.start()
    try:
        held = [socket.create_connection((address, box.port)) for _ in range(200)]
        time.sleep(1.0)
        n_kept = sum(_is_open(one) for one in held)
        assert n_kept == 128
        assert httpx.get(f"{box.address}/health/live").status_code == httpx.codes.OK
        held += [
            socket.create_connection(
                ("127.0.0.1", box.port), source_address=(ADDRESSES[n % len(ADDRESSES)], 0)
            )
            for n in range(300)
        ]
        for _ in range(20):
            assert httpx.get(f"{box.address}/health/live").status_code == httpx.codes.OK
        for one in held:
            one.close()
    finally:
        box.end()
    trial.sum_up(
        f"one address: {n_kept} of 200 silent connections kept (limit 128), and with 300 more"
        " from 20 addresses 20 of 20 newcomers were answered"
    )


def _is_open(handle: socket.socket) -> bool:
    """Return whether the box keeps this connection."""
    handle.setblocking(False)  # noqa: FBT003 - the socket's own way
    try:
        return bool(handle.recv(1, socket.MSG_PEEK)) and False
    except BlockingIOError:
        return True
    except ConnectionError:
        return False
