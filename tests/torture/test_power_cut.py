"""The power is cut at any moment: what was acknowledged is on disk, and the box goes on."""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest

from appliance.core.errors import ApplianceError
from tests.system.boxes import Box, Client
from tests.torture.mounts import Mount, mounted
from tests.torture.power_cut import Cut, Images, Left, boundaries, left_behind
from tests.torture.replay import Replay
from tests.torture.sent_steps import Ward, send, sign_in
from tests.torture.served import served
from tests.torture.survivors import Run, Survivor, assert_converges, assert_holds, opened
from tests.torture.trial import Trial

N_SAMPLED: Final = 12
LIES: Final = ("*/audio/*.part", "*/audio", "*/records.db-wal")
"""Left out: the fsync of a file before its rename, of its directory after it, of a commit."""


@dataclass(frozen=True, kw_only=True)
class Lived:
    """A box that lived on a journalled disk.

    Attributes:
        began_ns: when the box was made and its life began.
        first_ns: when its first submission was done.
    """

    mount: Mount
    run: Run
    began_ns: int
    first_ns: int


def live(directory: Path, mount: Mount, golden: dict[str, bytes], luck: random.Random) -> Lived:
    """Make a box on the disk, let a ward use its real server, and kill it."""
    made = Box.make(mount.at)
    (directory / "box").symlink_to(mount.at / "box")
    box = Box(data=directory / "box", users=made.users)
    run = Run(account=box.users["nurse"])
    began_ns, ward = time.monotonic_ns(), Ward(golden, luck)
    try:
        box.start()
        with httpx.Client(base_url=box.address, timeout=30) as http:
            assert sign_in(http, run).is_success
            http.headers["Authorization"] = f"Bearer {run.token}"
            client = Client(http=http, user_id=run.user_id)
            for step in ward.submission():
                assert send(step, client, run).is_success
            first_ns = time.monotonic_ns()
            for step in (*ward.multipart(), *ward.refusal(), *ward.submission()):
                assert send(step, client, run).is_success
    finally:
        box.end()
    mount.seen()
    return Lived(mount=mount, run=run, began_ns=began_ns, first_ns=first_ns)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A directory that leaves nothing: images are many."""
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)


def examine(
    left: Sequence[Left], images: Images, run: Run, directory: Path, *, every_served: int
) -> None:
    """Open every image; hold it to what was acknowledged, and send everything again.

    Before that one of so many is served by a process of its own.
    """
    for number, one in enumerate(left):
        at = directory / f"image-{number}"
        images.build(one.image, at)
        try:
            if number % every_served == 0:
                _serve(at, directory / "serve.log")
            with opened(at, run) as survivor:
                acknowledged = run.until(one.until_ns)
                assert_holds(survivor, acknowledged)
                assert_converges(survivor, run, acknowledged)
        except BaseException as fault:
            fault.add_note(f"power cut {one.moments}")
            raise
        shutil.rmtree(at)


def _serve(at: Path, log: Path) -> None:
    """Start the real server and stop it in order."""
    with served(at, log) as server:
        assert server.becomes_ready(), log.read_text()
        server.stop()
        assert server.ended(30) == 0


def test_power_cut(trial: Trial, directory: Path, golden: dict[str, bytes]) -> None:
    """At every fsync and every answer, whatever of the unsynced is lost, nothing is."""
    with mounted(directory) as mount:
        lived = live(directory, mount, golden, trial.random("ward"))
    replay = Replay(mount.notes)
    images = Images(replay, directory / "contents")
    answered = [known.at_ns for known in lived.run.acknowledged]
    moments = list(boundaries(replay, since_ns=lived.began_ns, acknowledged_ns=answered))
    left = left_behind(replay, images, "/box", moments, trial.random("luck"))
    first = [one for one in left if one.until_ns <= lived.first_ns]
    rest = [one for one in left if one.until_ns > lived.first_ns]
    n_sampled = trial.amount(short=N_SAMPLED, long=len(rest))
    chosen = [*first, *trial.random("sample").sample(rest, min(n_sampled, len(rest)))]
    every_served = trial.amount(short=40, long=10)
    examine(chosen, images, lived.run, directory, every_served=every_served)
    n_cuts = Counter(cut for one in chosen for _, cut in one.moments)
    trial.sum_up(
        f"power cut: {sum(n_cuts.values())} cuts at {len(moments)} moments, {len(chosen)} different"
        f" disks opened, {len(lived.run.acknowledged)} acknowledged, 0 lost"
    )


def test_power_cut_finds_a_disk_that_lies(
    trial: Trial, directory: Path, golden: dict[str, bytes]
) -> None:
    """The harness bites: a step left out is seen at once, and none is seen where there is none.

    A disk that says yes to an fsync and does nothing is what a program is that leaves it out. Of
    the write-ahead log that is `synchronous=NORMAL`.
    """
    made = Box.make(directory)
    with mounted(directory) as mount:
        for number, lies in enumerate(([], *([pattern] for pattern in LIES))):
            box, run = f"box-{number}", Run(account=made.users["nurse"])
            shutil.copytree(made.data, mount.backing / box)
            mount.plan(lies=lies)
            with opened(mount.at / box, run) as survivor:
                _submit(survivor, Ward(golden, trial.random("ward")), run)
            mount.seen()
            replay = Replay(mount.notes)
            images = Images(replay, directory / "contents")
            replay.adopt(made.data, f"/{box}")
            replay.go_to(replay.n_done_at(run.acknowledged[-1].at_ns))
            image = images.of(f"/{box}", Cut.ALL, trial.random())
            images.build(image, directory / "image")
            caught = pytest.raises((AssertionError, ApplianceError)) if lies else nullcontext()
            with caught, opened(directory / "image", run) as survivor:
                assert_holds(survivor, run.until(2**63))
            shutil.rmtree(directory / "image")
    trial.sum_up(f"power cut: {len(LIES)} of {len(LIES)} disks that lie were found out")


def _submit(survivor: Survivor, ward: Ward, run: Run) -> None:
    """Send a submission, without looking at its result: that would wait for a later fsync."""
    assert sign_in(survivor.http, run).is_success
    survivor.http.headers["Authorization"] = f"Bearer {run.token}"
    client = Client(http=survivor.http, user_id=run.user_id)
    for step in ward.submission():
        if step.name != "result":
            assert send(step, client, run).is_success
