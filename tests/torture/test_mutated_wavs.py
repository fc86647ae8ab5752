"""Mutated WAVs: through the reader in millions, and through the intake of a real box."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import httpx

from tests.system.boxes import Box, Client
from tests.torture.trial import Trial
from tests.torture.ward import resident_mib
from tests.torture.wav_seeds import Seeds
from tests.torture.wav_storm import end_of

ROOT: Final = Path(__file__).parents[2]
MAX_PEAK_MIB: Final = 200
MAX_SLOWEST_MS: Final = 10_000
N_CLIENTS: Final = 4
MAX_GROWTH_MIB: Final = 128
WITHIN_S: Final = 2 * 3_600

STATUSES: Final = {
    "read": httpx.codes.CREATED,
    "too-large": httpx.codes.REQUEST_ENTITY_TOO_LARGE,
    **dict.fromkeys(
        ("not-riff-wave", "not-pcm16", "channels", "sample-rate"),
        httpx.codes.UNSUPPORTED_MEDIA_TYPE,
    ),
}
"""What the API answers to a file by what the reader says of it; 422 for all others."""


def test_mutated_wavs_are_read_or_refused(trial: Trial) -> None:
    """No file crashes the reader, holds it up or fills its memory; what it reads is there."""
    n_files = trial.amount(short=100_000, long=1_000_000)
    storm = [sys.executable, "-m", "tests.torture.wav_storm", str(trial.seed), "0", str(n_files)]

    done = subprocess.run(
        storm, capture_output=True, text=True, check=False, timeout=WITHIN_S, cwd=ROOT
    )

    assert done.returncode == 0, done.stderr[-4_000:]
    found = json.loads(done.stdout)
    ends = Counter(found["ends"])
    assert ends.total() == n_files
    assert ends["read"] > n_files / 20, ends  # or the mutations break everything
    assert len(ends) > 12, ends  # or they break always the same
    assert found["slowest_ms"] < MAX_SLOWEST_MS
    assert found["peak_mib"] <= MAX_PEAK_MIB
    trial.sum_up(
        f"mutated WAVs, reader: {n_files} files, {ends['read']} read, "
        f"{n_files - ends['read']} refused for {len(ends) - 1} reasons, 0 crashes, slowest "
        f"{found['slowest_ms']:.0f} ms, peak {found['peak_mib']:.0f} MiB (limit {MAX_PEAK_MIB})"
    )


def test_mutated_wavs_are_taken_in_or_refused(trial: Trial, box: Box) -> None:
    """The API answers each file as documented and stays well: nothing hangs, nothing is left."""
    n_files = trial.amount(short=1_000, long=100_000)
    seeds = Seeds()
    nurse = box.sign_in("nurse")
    warm_up(nurse, seeds)
    before_mib = resident_mib(box)

    def send(number: int) -> tuple[str, int]:
        content = seeds.mutant(trial.random("intake", number))
        return end_of(content), nurse.put_recording("sustentada", content).status_code

    with ThreadPoolExecutor(N_CLIENTS) as clients:
        answers = Counter(clients.map(send, range(n_files)))

    wrong = {
        (end, status): n
        for (end, status), n in answers.items()
        if status != STATUSES.get(end, httpx.codes.UNPROCESSABLE_ENTITY)
    }
    assert not wrong, wrong
    grown_mib = resident_mib(box) - before_mib
    assert grown_mib < MAX_GROWTH_MIB
    assert httpx.get(f"{box.address}/health/ready", timeout=5).status_code == httpx.codes.OK
    assert not list((box.data / "audio").glob(".*.part"))
    n_taken = sum(n for (end, _), n in answers.items() if end == "read")
    assert 0 < n_taken < n_files
    trial.sum_up(
        f"mutated WAVs, intake: {n_files} sent by {N_CLIENTS} clients, {n_taken} taken in, "
        f"{n_files - n_taken} refused as documented, no 5xx, 0 part files left, server "
        f"{grown_mib:+.0f} MiB (limit {MAX_GROWTH_MIB})"
    )


def warm_up(nurse: Client, seeds: Seeds) -> None:
    """Let the server reach its working size: as many uploads at once as there will be."""
    with ThreadPoolExecutor(N_CLIENTS) as clients:
        list(clients.map(lambda role: nurse.put_recording("frase", seeds.short[role]), range(40)))
