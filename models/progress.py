"""Telling a person how far a long step is."""

from __future__ import annotations

import sys
from typing import Protocol


class Progress(Protocol):
    """Called now and then from the working thread; must be quick."""

    def __call__(self, step: str, done: int, total: int) -> None:
        """Take note that `done` of `total` parts of a step are done."""


def silent(step: str, done: int, total: int) -> None:
    """Say nothing."""
    del step, done, total


def on_stderr(step: str, done: int, total: int) -> None:
    """Write one line a step, over and over where stderr is a terminal; a tenth a line elsewhere."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{step} {done}/{total}" + ("\n" if done == total else ""))
        sys.stderr.flush()
    elif done * 10 // total != (done - 1) * 10 // total:
        sys.stderr.write(f"{step} {done}/{total}\n")
