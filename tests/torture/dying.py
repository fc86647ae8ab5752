"""Adapters that end the process at a chosen durable step: just before it, or just after.

Wrapped around the real ones by tests alone: each port's writes, each call of `Disk`, each COMMIT of
the database, and each change of a name that a bundle's way to disk makes.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, ParamSpec, TypeVar

from appliance.adapters.audio_files import Disk
from appliance.bootstrap import Appliance

P = ParamSpec("P")
R = TypeVar("R")
Side = Literal["before", "after"]

DURABLE: Final[Mapping[str, tuple[str, ...]]] = {
    "recordings": ("add_recording", "erase_recording"),
    "inferences": ("add_inference", "add_refusal"),
    "jobs": ("claim", "complete", "reconcile"),
    "models": ("add_model", "add_version", "activate", "set_state"),
    "protocols": ("install", "activate_protocol"),
    "audit": ("append",),
    "bundles": ("stage", "install", "discard"),
    "audio": ("begin", "erase"),
    "queue": ("wake",),
}
"""What changes something, by port. A COMMIT outside of these fails the trial."""

END: Final = "end"
"""The moment before a verb is acknowledged, when all of it is done."""

_NAME_EVENTS: Final = frozenset(
    {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.utime", "shutil.rmtree"}
)
_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


@dataclass(kw_only=True)
class Steps:
    """Counts durable steps, and ends the process at one of them.

    Attributes:
        last: the number of the step to die at, from 1; 0 lets all of them pass.
        moments: when it could have died so far, in order: number, side and name of the step.
    """

    last: int = 0
    side: Side = "before"
    moments: list[tuple[int, Side, str]] = field(default_factory=list)
    _n_steps: int = 0
    _depth: int = 0

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Be one step; steps may lie within steps."""
        number = self.begin(name)
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
        self._pass(number, "after", name)

    def begin(self, name: str) -> int:
        """Number a step whose end is the beginning of the next one."""
        self._n_steps += 1
        self._pass(self._n_steps, "before", name)
        return self._n_steps

    def commit(self, statement: str) -> None:
        """Be told of each statement of the writer."""
        if statement == "COMMIT":
            assert self._depth, "a write that is no durable step of any port"
            self.begin("COMMIT")

    def _pass(self, number: int, side: Side, name: str) -> None:
        self.moments.append((number, side, name))
        if (number, side) == (self.last, self.side):
            os.kill(os.getpid(), signal.SIGKILL)


class Watched:
    """A port whose writes are steps; everything else is the real one's."""

    def __init__(self, real: Any, name: str, steps: Steps) -> None:  # noqa: ANN401 - any port
        """Wrap a real adapter."""
        self._real = real
        self._name = name
        self._steps = steps

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any method
        """Return what the real one has."""
        found = getattr(self._real, name)
        if name not in DURABLE[self._name]:
            return found
        return _watched(found, f"{self._name}.{name}", self._steps)


def dying(box: Appliance, steps: Steps) -> Appliance:
    """Return the box with every port watched; may be called once a process."""
    audio: Any = box.audio
    real = Disk()
    calls = ("open", "write", "fsync", "close", "rename")
    audio.disk = Disk(
        **{name: _watched(getattr(real, name), f"disk.{name}", steps) for name in calls}
    )
    records: Any = box.database
    records.database._writer.set_trace_callback(steps.commit)  # noqa: SLF001 - no seam for tests
    # Bundles are written through the module itself; `Disk` has its own references.
    for call in (os.write, os.fsync):
        setattr(os, call.__name__, _watched(call, f"os.{call.__name__}", steps))
    _watch_names(box.settings.directory, steps)
    ports: dict[str, Any] = {name: Watched(getattr(box, name), name, steps) for name in DURABLE}
    return replace(box, **ports)


def _watched(call: Callable[P, R], name: str, steps: Steps) -> Callable[P, R]:
    def watched(*args: P.args, **kwargs: P.kwargs) -> R:
        with steps.step(name):
            return call(*args, **kwargs)

    return watched


def _watch_names(directory: Path, steps: Steps) -> None:
    """Let each change of a name or mode be a step; what `Disk` does is counted there."""
    counted_elsewhere = directory / "audio"

    def seen(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and not flags & _WRITES:
                return
        elif event in _NAME_EVENTS:
            path = arguments[0]
        else:
            return
        name = str(path) if isinstance(path, str | Path) else ""
        if event in {"open", "os.rename"} and Path(name).is_relative_to(counted_elsewhere):
            return
        # What lies below a directory that is removed comes without the directory's name.
        if Path(name).is_relative_to(directory) or not Path(name).is_absolute():
            steps.begin(event)

    sys.addaudithook(seen)
