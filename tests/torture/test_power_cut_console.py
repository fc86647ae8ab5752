"""The power is cut while IT works at the console: what a command said is done is done."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.console import Console, make_box, run
from tests.torture.console_work import Command, actions_of, commands
from tests.torture.mounts import mounted
from tests.torture.power_cut import Images, Left, boundaries, left_behind
from tests.torture.replay import Replay
from tests.torture.survivors import Run, assert_whole, opened
from tests.torture.trial import Trial

NOBODY = Run(account={})


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A directory that leaves nothing: images are many."""
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)


def chosen(left: list[Left], trial: Trial, *, short: int) -> list[Left]:
    """Return all images, or some of them."""
    return trial.random("sample").sample(left, min(len(left), trial.amount(short=short, long=9999)))


def test_power_cut_at_the_console(trial: Trial, directory: Path) -> None:
    """Old or new, never neither: a model serves, people sign in, the command can be repeated."""
    (directory / "made").mkdir()
    template = make_box(directory / "made")
    with mounted(directory) as mount:
        console = Console(directory=mount.at / "box", files=template.files)
        shutil.copytree(template.directory, mount.backing / "box")
        mount.plan(under="/box")
        done: list[tuple[int, Command]] = []
        for command in commands(console):
            said = command.run(console)
            assert said.status == 0, said.stdout + said.stderr
            done.append((time.monotonic_ns(), command))
        mount.seen()
    replay = Replay(mount.notes)
    images = Images(replay, directory / "contents")
    replay.adopt(template.directory, "/box")
    moments = list(boundaries(replay, since_ns=0, acknowledged_ns=[at for at, _ in done]))
    left = left_behind(replay, images, "/box", moments, trial.random("luck"))
    some = chosen(left, trial, short=8)
    for one in some:
        try:
            acknowledged = [command for at, command in done if at < one.until_ns]
            images.build(one.image, directory / "image")
            _examine(directory / "image", acknowledged, console)
        except BaseException as fault:
            fault.add_note(f"power cut {one.moments}")
            raise
        shutil.rmtree(directory / "image")
    n_cuts = sum(len(one.moments) for one in some)
    trial.sum_up(
        f"power cut at the console: {n_cuts} cuts at {len(moments)} moments, {len(some)} different"
        f" disks opened, {len(done)} commands, nothing said to be done was undone"
    )


def _examine(at: Path, acknowledged: list[Command], console: Console) -> None:
    """Open an image, hold it to the commands that ended well, and run the others again."""
    expected = Counter(command.leaves for command in acknowledged)
    with opened(at, NOBODY) as survivor:
        before = actions_of(survivor)
        assert all(before[action] > 0 for action in expected)
        for command in acknowledged:
            command.check(survivor)
        assert_whole(survivor)
    here = Console(directory=at, files=console.files)
    for command in commands(here)[len(acknowledged) :]:
        said = command.run(here)
        # What was durable before it was acknowledged is known already.
        assert said.status == 0 or before[command.leaves] > 0, said.stdout + said.stderr
    with opened(at, NOBODY) as survivor:
        for command in commands(here):
            command.check(survivor)
        assert_whole(survivor)


def test_power_cut_while_a_box_is_made(trial: Trial, directory: Path) -> None:
    """There is a whole box or none; where there is none, one can be made."""
    with mounted(directory) as mount:
        said = run("init", "--json", "--data", str(mount.at / "box"))
        made_ns = time.monotonic_ns()
        assert said.status == 0, said.stdout + said.stderr
        mount.seen()
    replay = Replay(mount.notes)
    images = Images(replay, directory / "contents")
    moments = list(boundaries(replay, since_ns=0, acknowledged_ns=[made_ns]))
    left = left_behind(replay, images, "/", moments, trial.random("luck"))
    some = chosen(left, trial, short=6)
    for one in some:
        at = directory / "image"
        images.build(one.image, at)
        try:
            _examine_making(at / "box", acknowledged=one.until_ns > made_ns)
        except BaseException as fault:
            fault.add_note(f"power cut {one.moments}")
            raise
        shutil.rmtree(at)
    trial.sum_up(f"power cut at init: {len(some)} different disks, a whole box or none on each")


def _examine_making(box: Path, *, acknowledged: bool) -> None:
    whole = (box / "records.db").exists()
    assert whole or not acknowledged
    if not whole:
        said = run("init", "--json", "--data", str(box))
        assert said.status == 0, said.stdout + said.stderr
    said = run("doctor", "--json", "--data", str(box))
    codes = {finding["code"] for finding in said.document["findings"]}
    assert codes <= {"no-active-model", "sqlite-wal-reset", "no-model"}, codes
    assert run("audit", "verify", "--json", "--data", str(box)).status == 0
