"""One trial: how much of it is run, the seed that repeats it, and the line that sums it up."""

from __future__ import annotations

import os
import random
import shutil
import time
from dataclasses import dataclass, field

import pytest


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a trial is given, and what it says of itself.

    Attributes:
        seed: of everything random in it; printed when it fails.
        long: the whole of it (`make torture`), or the short form of `make test`.
        lines: what it found, one line a promise; printed and kept when it passes.
    """

    seed: int
    long: bool
    lines: list[str] = field(default_factory=list)
    began_s: float = field(default_factory=time.monotonic)

    def amount(self, *, short: int, long: int) -> int:
        """Return how many of something this run tries."""
        return long if self.long else short

    def random(self, *parts: object) -> random.Random:
        """Return a generator of its own for one part of the trial, the same for the same seed."""
        return random.Random("/".join(map(str, (self.seed, *parts))))  # noqa: S311 - no secret

    def sum_up(self, line: str) -> None:
        """Say what was tried and found: counts and figures of this very run."""
        self.lines.append(line)

    @property
    def took(self) -> str:
        """How long it took so far, for people."""
        minutes, seconds = divmod(round(time.monotonic() - self.began_s), 60)
        return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"


def needs(command: str, package: str) -> None:
    """Skip, saying why, where a tool is missing; in CI a missing tool is a failure.

    `make test` and `make torture` install them where they may.
    """
    if shutil.which(command) is None:
        missing = f"{command} is missing: apt install {package}"
        assert not os.environ.get("CI"), missing
        pytest.skip(missing)


def needs_root(what: str) -> None:
    """Skip, saying why, where only root may do what the trial does."""
    if os.geteuid() != 0:
        assert not os.environ.get("CI"), f"{what} needs root"
        pytest.skip(f"{what} needs root")
