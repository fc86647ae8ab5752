"""Killed before and after each durable step of each verb, a box is as it was, or done."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

import pytest

from tests.torture.dying import END, Side
from tests.torture.trial import Trial
from tests.torture.verbs import VERBS

ROOT: Final = Path(__file__).parents[2]
MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a directory of random name is made in it


@dataclass(frozen=True, kw_only=True)
class Zygote:
    """The program that dies on order, and the box it begins with."""

    process: subprocess.Popen[str]
    template: Path

    def obey(self, **order: Any) -> tuple[int, dict[str, Any]]:  # noqa: ANN401 - JSON
        """Give an order; return how it ended and what was said before."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order, default=os.fspath) + "\n")
        self.process.stdin.flush()
        said: dict[str, Any] = {}
        while "ended" not in said:
            line = self.process.stdout.readline()
            assert line, "the zygote ended"
            said |= json.loads(line)
        assert "fault" not in said, f"{order}: {said['fault']}"
        return int(said["ended"]), said

    @contextmanager
    def fresh(self, name: str) -> Iterator[Path]:
        """Give a box like the template for a while."""
        directory = self.template.with_name(name)
        shutil.copytree(self.template, directory)
        yield directory
        shutil.rmtree(directory)


class Zygotes:
    """One zygote a core."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        """Let each make a box to begin with."""
        self.free: SimpleQueue[Zygote] = SimpleQueue()
        self.n = os.cpu_count() or 1
        for number in range(self.n):
            home = directory / str(number)
            home.mkdir()
            zygote = Zygote(process=stack.enter_context(_program()), template=home / "template")
            assert zygote.obey(do="furnish", directory=zygote.template)[0] == 0
            self.free.put(zygote)

    @contextmanager
    def one(self) -> Iterator[Zygote]:
        """Take one, and give it back."""
        zygote = self.free.get()
        try:
            yield zygote
        finally:
            self.free.put(zygote)


@contextmanager
def _program() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.torture.zygote"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture(scope="module")
def zygotes() -> Iterator[Zygotes]:
    """Warm programs with boxes in memory: what a kill leaves does not depend on the disk."""
    with (
        tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as directory,
        ExitStack() as stack,
    ):
        yield Zygotes(Path(directory), stack)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One death, and what may be seen after it."""

    verb: str
    last: int
    name: str
    side: Side
    old: Any
    new: Any

    def die(self, zygotes: Zygotes) -> bool:
        """Die, look, repeat, and look again; return whether the verb was done before."""
        where = f"{self.side} step {self.last} of {self.verb}, {self.name}"
        with zygotes.one() as zygote, zygote.fresh("box") as box:
            order = {"directory": box, "verb": self.verb}
            ended, said = zygote.obey(do="run", last=self.last, side=self.side, **order)
            assert ended == -signal.SIGKILL, where
            assert "acknowledged" not in said, where
            found = zygote.obey(do="examine", new=self.new, **order)[1]
        assert found["essence"] in (self.old, self.new), where
        assert found["repeated"] == self.new, where
        return bool(found["essence"] == self.new)


def cases_of(verb: str, zygotes: Zygotes) -> list[Case]:
    """Return every death of a verb, found by a run that does not die."""
    with zygotes.one() as zygote, zygote.fresh("old") as old, zygote.fresh("new") as new:
        before = zygote.obey(do="look", directory=old)[1]["essence"]
        said = zygote.obey(do="run", directory=new, verb=verb, last=0, side="before")[1]
        after = zygote.obey(do="look", directory=new)[1]["essence"]
    assert said["acknowledged"]
    assert before != after
    return [
        Case(verb=verb, last=number, name=name, side=side, old=before, new=after)
        for number, side, name in said["moments"]
    ]


def killed_at_each_step(verb: str, zygotes: Zygotes) -> tuple[int, int]:
    """Die every death of a verb; return how many steps it has, and how many deaths those are."""
    cases = cases_of(verb, zygotes)
    with ThreadPoolExecutor(zygotes.n) as pool:
        done = list(pool.map(lambda case: case.die(zygotes), cases))
    # Undone until its one decisive step, done from there on.
    assert done == sorted(done), verb
    assert not done[0], verb
    assert (cases[0].last, cases[-1].name, done[-1]) == (1, END, True), verb
    return cases[-1].last - 1, len(cases)


def test_a_kill_at_each_durable_step_leaves_old_or_new(zygotes: Zygotes, trial: Trial) -> None:
    """Never between: sound, swept clean, done once when repeated, and the box goes on."""
    counts = {verb: killed_at_each_step(verb, zygotes) for verb in VERBS}
    n_steps = sum(steps for steps, _ in counts.values())
    n_deaths = sum(deaths for _, deaths in counts.values())
    each = ", ".join(f"{verb} {steps}" for verb, (steps, _) in counts.items())
    trial.sum_up(
        f"steps: {n_steps} durable steps ({each}), killed before and after each"
        f" ({n_deaths} moments): old or new, 0 between, 0 acknowledged lost, 0 doubled,"
        " nothing left that the sweep does not take"
    )
