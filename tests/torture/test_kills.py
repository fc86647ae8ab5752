"""The box is killed at random moments under load, and keeps its word."""

from __future__ import annotations

import http.client
import os
import random
import signal
import statistics
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.system.boxes import SPIRA, Box, wait_until
from tests.torture.held import (
    assert_audio_holds,
    assert_held_to,
    assert_sound,
    lost,
    n_unfinished,
    n_unreferenced_files,
)
from tests.torture.ledger import Ledger
from tests.torture.load import Nurse
from tests.torture.trial import Trial

N_NURSES: Final = 4
READY_WITHIN_S: Final = 5.0
GIVEN_UP_AFTER_S: Final = 30.0
SETTLED_WITHIN_S: Final = 300.0
AT_START_SHARE: Final = 0.15
"""Of kills that may come before the box is ready."""

LOAD_S: Final = 1.2
"""The longest the box is under load before it is killed."""

LOOKED_AT_SHARE: Final = 0.3
"""Of kills after which the files are read; after the others the box is first to open them."""

ENVIRONMENT: Final = {"SPIRA_TOKEN_MINUTES": "720", "SPIRA_RECONCILE_EVERY_S": "3"}
POLL_S: Final = 0.01


@dataclass(kw_only=True)
class Campaign:
    """A box that is killed and started, and what that showed.

    Attributes:
        ready_s: from each start to ready.
        starved_s: how long of it the box waited for a core that others had.
    """

    box: Box
    ledger: Ledger
    ready_s: list[float] = field(default_factory=list)
    starved_s: list[float] = field(default_factory=list)
    n_before_ready: int = 0
    n_in_mid_run: int = 0

    def begin(self) -> float:
        """Start the process; return when."""
        began_s = time.monotonic()
        log = (self.box.data.parent / "serve.log").open("ab")
        self.box.process = subprocess.Popen(
            [SPIRA, "serve", "--port", str(self.box.port), "--data", str(self.box.data)],
            stdout=log,
            stderr=log,
            env={**os.environ, **ENVIRONMENT},
        )
        log.close()
        return began_s

    def ready(self, began_s: float, *, until_s: float | None = None) -> bool:
        """Wait until the box is ready, and note how long that took; False if not by `until_s`."""
        process = self.box.process
        assert process is not None
        while time.monotonic() - began_s < GIVEN_UP_AFTER_S:
            if until_s is not None and time.monotonic() >= until_s:
                return False
            assert process.poll() is None, (self.box.data.parent / "serve.log").read_text()[-4000:]
            if is_ready(self.box.port):
                self.ready_s.append(time.monotonic() - began_s)
                self.starved_s.append(starved_s(process.pid))
                return True
            time.sleep(POLL_S)
        raise AssertionError(f"not ready within {GIVEN_UP_AFTER_S} s")

    def kill_once(self, rng: random.Random) -> None:
        """Let the box live for a random while, kill it, and start it again."""
        began_s = self.begin()
        if rng.random() < AT_START_SHARE:
            at_s = began_s + rng.uniform(0.0, 1.2 * statistics.median(self.ready_s))
            if not self.ready(began_s, until_s=at_s):
                self.n_before_ready += 1
            time.sleep(max(0.0, at_s - time.monotonic()))
        else:
            self.ready(began_s)
            time.sleep(rng.uniform(0.0, LOAD_S))
        assert self.ledger.faults == []
        assert self.box.stop(signal.SIGKILL) == -signal.SIGKILL
        if rng.random() < LOOKED_AT_SHARE:
            self.n_in_mid_run += n_unfinished(self.box.data, "running") > 0
            assert lost(self.box.data, self.ledger) == []

    def settle(self) -> None:
        """Let the box answer whatever still waits, and stop it in order."""
        data = self.box.data
        wait_until(
            lambda: not n_unfinished(data, "queued", "running"), SETTLED_WITHIN_S, "all results"
        )
        assert self.box.stop() == 0


def test_nothing_is_lost_or_doubled_by_kills(
    trial: Trial, tmp_path: Path, golden: dict[str, bytes]
) -> None:
    """Whatever was acknowledged is there once and answered once, whenever the box is killed."""
    campaign = Campaign(box=Box.make(tmp_path), ledger=Ledger())
    n_kills = trial.amount(short=50, long=1_000)
    n_wanted = trial.amount(short=500, long=20_000)
    try:
        campaign.ready(campaign.begin())
        nurses = begin_load(campaign, trial, golden)
        n_done = 0
        campaign.box.stop(signal.SIGKILL)
        while n_done < n_kills or campaign.ledger.n_acknowledged < n_wanted:
            campaign.kill_once(trial.random("kill", n_done))
            n_done += 1
        campaign.ready(campaign.begin())
        for nurse in nurses:
            nurse.stop()
        for nurse in nurses:
            nurse.join(timeout=SETTLED_WITHIN_S)
            assert not nurse.is_alive()
        campaign.settle()
        assert_held_to(campaign.box.data, campaign.ledger)
        n_files = assert_audio_holds(campaign.box.data)
        assert_sound(campaign.box.data)
    finally:
        campaign.box.end()
    hold_to_the_limit(campaign)
    sum_up(trial, campaign, n_kills=n_done, n_files=n_files)


def begin_load(campaign: Campaign, trial: Trial, golden: Mapping[str, bytes]) -> list[Nurse]:
    """Set several nurses to work, each on a connection of her own."""
    client = campaign.box.sign_in("nurse")
    body = client.inference_body({})
    token = client.http.headers["Authorization"].removeprefix("Bearer ")
    nurses = [
        Nurse(
            port=campaign.box.port,
            home=client.home,
            token=token,
            body=body,
            golden=golden,
            rng=trial.random("nurse", n),
            ledger=campaign.ledger,
        )
        for n in range(N_NURSES)
    ]
    for nurse in nurses:
        nurse.start()
    return nurses


def hold_to_the_limit(campaign: Campaign) -> None:
    """The box itself is ready within the limit; what others took of the machine is not its own."""
    own_s = [
        ready - starved for ready, starved in zip(campaign.ready_s, campaign.starved_s, strict=True)
    ]
    assert max(own_s) <= READY_WITHIN_S, sorted(own_s)[-5:]


def sum_up(trial: Trial, campaign: Campaign, *, n_kills: int, n_files: int) -> None:
    """Say what was tried and found."""
    ledger, ready_s = campaign.ledger, campaign.ready_s
    trial.sum_up(
        f"kills: {n_kills} kills ({campaign.n_before_ready} before ready),"
        f" {ledger.n_acknowledged} acknowledged"
        f" ({len(ledger.recordings)} recordings, {len(ledger.inferences)} inferences,"
        f" {len(ledger.posts)} posts), {ledger.n_repeated} repeated after a lost answer"
        f" ({ledger.n_known} had been kept);"
        f" 0 lost, 0 doubled, one result each, 0 errors, {n_files} files equal,"
        f" {n_unreferenced_files(campaign.box.data)} left to the sweep"
    )
    trial.sum_up(
        f"ready again: {statistics.median(ready_s):.2f} s in the median,"
        f" {max(ready_s):.2f} s at most (limit {READY_WITHIN_S:.0f} s,"
        f" {max(campaign.starved_s):.2f} s at most without a core)"
    )


def is_ready(port: int) -> bool:
    """Whether the box says so."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=1.0)
    try:
        line.request("GET", "/health/ready")
        return line.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()


def starved_s(pid: int) -> float:
    """Return how long the main thread of a process was ready to run and had no core."""
    ran, waited, slices = Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()
    del ran, slices
    return int(waited) / 1e9
