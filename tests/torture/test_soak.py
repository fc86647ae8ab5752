"""Hours of work leave the box as it was: memory, descriptors, threads and latency stay flat."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.commands.console import EVERYTHING
from tests.system.boxes import Box, run_spira, wait_until
from tests.torture.full_disk import Ledger, a_submission
from tests.torture.trial import Trial

MIB = 1 << 20
N_SENDERS = 2
N_AT_ONCE, N_RUSH = 6, 5
MAX_GROWTH = 0.05
MAX_WAL_BYTES = 64 * MIB
N_AROUND = 5
MAX_MORE_THREADS = 2
"""Of the sixteen for requests: one is started when all others happen to be busy."""
MAX_MORE_DESCRIPTORS = 4
"""Each such thread reads through a connection of its own."""
MAX_DRIFT = 2.0
JITTER_S = 0.1
SLOW_EXPORT = Path(__file__).with_name("slow_export.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What the server takes at one moment."""

    at_s: float
    resident_bytes: int
    n_descriptors: int
    n_threads: int
    wal_bytes: int


@dataclass
class Watch:
    """What was seen of the server, once a second, and how long submissions took."""

    box: Box
    samples: list[Sample] = field(default_factory=list)
    latencies_s: list[tuple[float, float]] = field(default_factory=list)

    def look(self) -> None:
        """Take a sample."""
        assert self.box.process is not None
        process = Path("/proc") / str(self.box.process.pid)
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        wal = self.box.data / "records.db-wal"
        self.samples.append(
            Sample(
                at_s=time.monotonic(),
                resident_bytes=int(status["VmRSS"].split()[0]) * 1024,
                n_descriptors=len(list((process / "fd").iterdir())),
                n_threads=int(status["Threads"]),
                wal_bytes=wal.stat().st_size if wal.exists() else 0,
            )
        )

    def since(self, at_s: float) -> list[Sample]:
        """Return the samples from then on."""
        return [sample for sample in self.samples if sample.at_s >= at_s]

    def p95_s(self, from_s: float, to_s: float) -> float:
        """Return how long a submission took, but for one in twenty."""
        took = [took_s for at_s, took_s in self.latencies_s if from_s <= at_s < to_s]
        return statistics.quantiles(took, n=20)[-1]


@pytest.mark.alone
def test_soak(trial: Trial, box: Box, tmp_path: Path) -> None:
    """A day's work in minutes, while data is taken out: nothing grows, nothing is lost."""
    rate, warm_s, soak_s = 1.0, 60.0, 600.0
    if not trial.long:
        rate, warm_s, soak_s = 4.0, 12.0, 45.0
    ledger, watch = Ledger(), Watch(box)
    _rush(trial, box, ledger)
    began_s = time.monotonic()
    warm_at_s, ends_at_s = began_s + warm_s, began_s + soak_s
    with _exporting(box, tmp_path) as exports, ThreadPoolExecutor(N_SENDERS) as senders:
        sent = [
            senders.submit(_send, number, trial, watch, ledger, rate / N_SENDERS, ends_at_s)
            for number in range(N_SENDERS)
        ]
        while time.monotonic() < ends_at_s:
            watch.look()
            time.sleep(1.0)
        _raise_faults(sent)
    ledger.answered(box.sign_in("nurse"))
    _assert_nothing_waits(box)
    line = _judged(watch, warm_at_s, ends_at_s)
    assert box.stop() == 0
    ledger.held_by(box)
    assert len(watch.latencies_s) >= 0.9 * rate * soak_s
    trial.sum_up(
        f"soak: {len(ledger.inferences)} submissions in {soak_s:.0f} s, {len(exports)} exports"
        f" meanwhile, {line}; 0 lost, queue empty"
    )


def _rush(trial: Trial, box: Box, ledger: Ledger) -> None:
    """Let a whole shift send at once, in the first minute.

    Memory has then been as much as so many at once take: measured, 17 MiB more than one by one.
    What comes after it is growth.
    """
    nurses = [box.sign_in("nurse") for _ in range(N_AT_ONCE)]

    def send(number: int) -> None:
        nurse, chance = nurses[number], trial.random("rush", number)
        for _ in range(N_RUSH):
            assert ledger.send(nurse, a_submission(chance))

    with ThreadPoolExecutor(N_AT_ONCE) as senders:
        list(senders.map(send, range(N_AT_ONCE)))


def _send(
    number: int, trial: Trial, watch: Watch, ledger: Ledger, rate: float, ends_at_s: float
) -> None:
    """Send submissions of one nurse at an even pace."""
    nurse, chance = watch.box.sign_in("nurse"), trial.random("voices", number)
    due_at_s = time.monotonic()
    while due_at_s < ends_at_s:
        time.sleep(max(0.0, due_at_s - time.monotonic()))
        submission = a_submission(chance)
        submission.body = nurse.inference_body(submission.recordings)
        began_s = time.monotonic()
        assert ledger.send(nurse, submission)
        watch.latencies_s.append((began_s, time.monotonic() - began_s))
        assert nurse.http.get(f"{nurse.home}/inferences", params={"limit": 50}).is_success
        due_at_s += 1 / rate


@contextmanager
def _exporting(box: Box, directory: Path) -> Iterator[list[Path]]:
    """Take the data out again and again, once quickly and once slowly."""
    done: list[Path] = []
    stop = threading.Event()

    def export_on() -> None:
        while not stop.is_set():
            target = directory / f"export-{len(done)}"
            if len(done) % 2:
                run_spira("export", str(target), *EVERYTHING, "--data", str(box.data))
            else:
                _run_slow_export(box, target)
            shutil.rmtree(target)
            run_spira("audit", "verify", "--data", str(box.data))
            done.append(target)
            stop.wait(2.0)

    with ThreadPoolExecutor(1) as exporter:
        running = exporter.submit(export_on)
        try:
            yield done
        finally:
            stop.set()
        running.result()


def _run_slow_export(box: Box, target: Path) -> None:
    command = [sys.executable, str(SLOW_EXPORT), str(box.data), str(target)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def _raise_faults(sent: list[Future[None]]) -> None:
    for one in sent:
        one.result()


def _assert_nothing_waits(box: Box) -> None:
    def nothing() -> bool:
        lines = httpx.get(f"{box.address}/metrics").text.splitlines()
        waiting = ('spira_results{state="queued"} 0', 'spira_results{state="running"} 0')
        return all(line in lines for line in waiting)

    wait_until(nothing, 10.0, "the queue to be empty")


def _judged(watch: Watch, warm_at_s: float, ends_at_s: float) -> str:
    """Compare the end with what was after the first minute, and return the figures."""
    seen = watch.since(warm_at_s)
    first, last = seen[:N_AROUND], seen[-N_AROUND:]
    before = statistics.median(s.resident_bytes for s in first)
    after = statistics.median(s.resident_bytes for s in last)
    growth = after / before - 1
    descriptors = [statistics.median(s.n_descriptors for s in part) for part in (first, last)]
    threads = [statistics.median(s.n_threads for s in part) for part in (first, last)]
    wal_bytes = max(sample.wal_bytes for sample in watch.samples)
    half_s = (warm_at_s + ends_at_s) / 2
    p95_s = [watch.p95_s(warm_at_s, half_s), watch.p95_s(half_s, ends_at_s)]
    line = (
        f"memory {before / MIB:.0f} to {after / MIB:.0f} MiB ({growth:+.1%}, < 5 %),"
        f" descriptors {descriptors[0]:.0f} to {descriptors[1]:.0f}, threads {threads[0]:.0f} to"
        f" {threads[1]:.0f}, WAL at most {wal_bytes / MIB:.1f} MiB (< 64), p95 of a submission"
        f" {p95_s[0]:.2f} and {p95_s[1]:.2f} s"
    )
    assert growth < MAX_GROWTH, line
    assert descriptors[1] <= descriptors[0] + MAX_MORE_DESCRIPTORS, line
    assert threads[1] <= threads[0] + MAX_MORE_THREADS, line
    assert wal_bytes < MAX_WAL_BYTES, line
    assert p95_s[1] <= MAX_DRIFT * p95_s[0] + JITTER_S, line
    return line
