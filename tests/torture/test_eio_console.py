"""A call to the disk fails under a command: it says so, or what it did is on disk."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.commands.console import Console, Said, make_box, run
from tests.torture.console_work import actions_of, commands
from tests.torture.mounts import Mount, mounted
from tests.torture.power_cut import Cut, Images
from tests.torture.replay import Replay
from tests.torture.survivors import Run, assert_whole, opened
from tests.torture.trial import Trial

KINDS: Final = ("fsync", "rename", "open", "write")
NOBODY: Final = Run(account={})
REFUSED, MODEL_FAULT, STORAGE_FAULT = 3, 6, 7


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A disk that fails, and boxes as they are before each command.

    Attributes:
        before: box before the command of that number.
        n_before: how often its audit has what that command leaves.
    """

    directory: Path
    mount: Mount
    console: Console
    before: list[Path]
    n_before: list[int]

    def fail(self, number: int, kind: str, nth: int) -> tuple[Said, str, Counter[str]]:
        """Run a command while a call fails; return what it said and which call that was."""
        self.mount.plan()
        # Through the mount: the kernel remembers what it saw of it for a second.
        shutil.rmtree(self.mount.at / "box", ignore_errors=True)
        shutil.copytree(self.before[number], self.mount.at / "box")
        self.mount.plan(under="/box", kind=kind, nth=nth)
        said = commands(self.console)[number].run(self.console)
        seen = self.mount.seen()
        return said, str(seen["hit"]), Counter(seen["seen"])

    def examine(self, number: int, said: Said) -> None:
        """Cut the power after it: what it said is so, and it can be repeated."""
        replay = Replay(self.mount.notes)
        images = Images(replay, self.directory / "contents")
        replay.adopt(self.before[number], "/box")
        replay.go_to(len(replay.operations))
        at = self.directory / "image"
        images.build(images.of("/box", Cut.ALL, random.Random(0)), at)  # noqa: S311 - no luck
        here = Console(directory=at, files=self.console.files)
        command = commands(here)[number]
        try:
            with opened(at, NOBODY) as survivor:
                done = actions_of(survivor)[command.leaves] > self.n_before[number]
                assert done or said.status != 0
            again = command.run(here)
            assert again.status == 0 or done, again.stdout + again.stderr
            with opened(at, NOBODY) as survivor:
                command.check(survivor)
                assert_whole(survivor)
        finally:
            shutil.rmtree(at, ignore_errors=True)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk that leaves nothing."""
    (tmp_path / "made").mkdir()
    template = make_box(tmp_path / "made")
    before, n_before = [], []
    for number, command in enumerate(commands(template)):
        before.append(tmp_path / f"before-{number}")
        with opened(template.directory, NOBODY) as survivor:
            n_before.append(actions_of(survivor)[command.leaves])
        shutil.copytree(template.directory, before[-1])
        assert command.run(template).status == 0
    with mounted(tmp_path) as mount:
        console = Console(directory=mount.at / "box", files=template.files)
        yield Desk(
            directory=tmp_path, mount=mount, console=console, before=before, n_before=n_before
        )
    shutil.rmtree(tmp_path, ignore_errors=True)


def test_eio_at_the_console(trial: Trial, desk: Desk) -> None:
    """Well is well on disk; else there is a sentence, the right status, and it can be repeated."""
    ends: Counter[int] = Counter()
    for number, command in enumerate(commands(desk.console)):
        _said, _hit, seen = desk.fail(number, "", 0)
        for kind in KINDS:
            every = range(1, seen[kind] + 1)
            n_faults = min(len(every), trial.amount(short=1, long=len(every)))
            for nth in trial.random(number, kind).sample(every, n_faults):
                try:
                    said, hit, _seen = desk.fail(number, kind, nth)
                    assert said.status in {0, MODEL_FAULT, STORAGE_FAULT}, said
                    desk.examine(number, said)
                except BaseException as fault:
                    fault.add_note(f"{command.words} {kind} {nth}")
                    raise
                ends[said.status] += 1
                assert hit or said.status == 0
    trial.sum_up(
        f"eio at the console: {ends.total()} calls failed under {len(desk.before)} commands,"
        f" {ends.total() - ends[0]} said so, 0 said to be done and were not"
    )


def test_eio_while_a_box_is_made(trial: Trial, tmp_path: Path) -> None:
    """There is a whole box or none, and a sentence instead of a traceback."""
    with mounted(tmp_path) as mount:
        mount.plan(under="/")
        assert run("init", "--json", "--data", str(mount.at / "first")).status == 0
        seen = Counter(mount.seen()["seen"])
        n_faults = 0
        for kind in KINDS:
            every = range(1, seen[kind] + 1)
            amount = min(len(every), trial.amount(short=3, long=len(every)))
            for nth in trial.random(kind).sample(every, amount):
                _make(mount, kind, nth)
                n_faults += 1
    trial.sum_up(f"eio at init: {n_faults} calls failed, a whole box or none after each")


def _make(mount: Mount, kind: str, nth: int) -> None:
    box = mount.at / "box"
    shutil.rmtree(mount.at / "box", ignore_errors=True)
    mount.plan(under="/", kind=kind, nth=nth)
    said = run("init", "--json", "--data", str(box))
    mount.plan(under="/")
    try:
        assert said.status in {0, REFUSED, STORAGE_FAULT}, said.stdout + said.stderr
        if said.status != 0:
            assert run("init", "--json", "--data", str(box)).status == 0
        assert run("audit", "verify", "--json", "--data", str(box)).status == 0
    except BaseException as fault:
        fault.add_note(f"{kind} {nth}: {said.stdout}")
        raise
