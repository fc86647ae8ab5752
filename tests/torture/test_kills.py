"""The box is killed at random moments under load, and keeps its word."""

from __future__ import annotations

import random
import shutil
import signal
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.system.boxes import Box, wait_until
from tests.torture.held import (
    assert_audio_holds,
    assert_held_to,
    assert_sound,
    lost,
    n_cut_off,
    n_unfinished,
    n_unreferenced_files,
)
from tests.torture.ledger import Ledger
from tests.torture.load import Nurse
from tests.torture.restarts import Restarts
from tests.torture.trial import Trial

N_NURSES: Final = 4
SETTLED_WITHIN_S: Final = 300.0
AT_START_SHARE: Final = 0.2
"""Of kills that may come before the box is ready."""

LOAD_S: Final = 1.2
"""The longest the box is under load before it is killed."""

LOOKED_AT_SHARE: Final = 0.3
"""Of kills after which the files are read; after the others the box is first to open them."""

ENVIRONMENT: Final = {"SPIRA_TOKEN_MINUTES": "720", "SPIRA_RECONCILE_EVERY_S": "3"}


@dataclass(kw_only=True)
class Campaign:
    """A box that is killed and started, and what that showed."""

    box: Box
    restarts: Restarts
    ledger: Ledger = field(default_factory=Ledger)
    n_before_ready: int = 0

    def start(self, began_s: float | None = None) -> None:
        """Wait until the box is ready, starting it first unless it was begun."""
        began_s = self.restarts.begin() if began_s is None else began_s
        assert self.restarts.ready(began_s), self.restarts.log()

    def kill_once(self, rng: random.Random) -> None:
        """Let the box live for a random while, kill it, and start it again."""
        began_s = self.restarts.begin()
        if rng.random() < AT_START_SHARE:
            at_s = began_s + rng.uniform(0.0, 1.2 * statistics.median(self.restarts.ready_s))
            self.n_before_ready += not self.restarts.ready(began_s, until_s=at_s)
            time.sleep(max(0.0, at_s - time.monotonic()))
        else:
            self.start(began_s)
            time.sleep(rng.uniform(0.0, LOAD_S))
        assert self.ledger.faults == []
        assert self.box.stop(signal.SIGKILL) == -signal.SIGKILL
        if rng.random() < LOOKED_AT_SHARE:
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
    box = Box.make(tmp_path)
    campaign = Campaign(box=box, restarts=Restarts(box=box, environment=ENVIRONMENT))
    n_kills = trial.amount(short=50, long=1_000)
    n_wanted = trial.amount(short=500, long=20_000)
    nurses: list[Nurse] = []
    n_done = 0
    try:
        campaign.start()
        nurses += begin_load(campaign, trial, golden)
        box.stop(signal.SIGKILL)
        while n_done < n_kills or campaign.ledger.n_acknowledged < n_wanted:
            campaign.kill_once(trial.random("kill", n_done))
            n_done += 1
        campaign.start()
        for nurse in nurses:
            nurse.stop()
        for nurse in nurses:
            nurse.join(timeout=SETTLED_WITHIN_S)
            assert not nurse.is_alive()
        campaign.settle()
        assert_held_to(box.data, campaign.ledger)
        n_files = assert_audio_holds(box.data)
        assert_sound(box.data)
    finally:
        for nurse in nurses:
            nurse.leave()
        box.end()
    campaign.restarts.assert_within_the_limit()
    sum_up(trial, campaign, n_kills=n_done, n_files=n_files)
    # Thousands of recordings: what is not kept for a failure is in nobody's way.
    shutil.rmtree(box.data)


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


def sum_up(trial: Trial, campaign: Campaign, *, n_kills: int, n_files: int) -> None:
    """Say what was tried and found."""
    ledger = campaign.ledger
    trial.sum_up(
        f"kills: {n_kills} kills ({campaign.n_before_ready} before ready),"
        f" {ledger.n_acknowledged} acknowledged"
        f" ({len(ledger.recordings)} recordings, {len(ledger.inferences)} inferences,"
        f" {len(ledger.posts)} posts), {ledger.n_repeated} repeated after a lost answer"
        f" ({ledger.n_known} had been kept);"
        f" 0 lost, 0 doubled, one result each, 0 errors,"
        f" {n_cut_off(campaign.box.data)} runs cut off and repeated, {n_files} files equal,"
        f" {n_unreferenced_files(campaign.box.data)} left to the sweep"
    )
    trial.sum_up(f"ready again: {campaign.restarts.summary()}")
