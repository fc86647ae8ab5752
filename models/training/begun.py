"""A training that was begun: known again when the same one is asked for, and taken up.

WORK/training/lock             one training at a time
WORK/training/begun.json       which one it is, and its run in MLflow
WORK/training/checkpoint       where it stands, after each epoch
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from appliance.core.errors import FieldError, FileMissing, InvalidRequest, TargetUnwritable
from models.training.checkpoint import CheckpointFile
from models.whole_file import write_whole

DIRECTORY: Final = "training"
_LOCK: Final = "lock"
_BEGUN: Final = "begun.json"
_CHECKPOINT: Final = "checkpoint"

Identity = Mapping[str, Any]
"""Setting or digest -> value: all that decides what comes out, as JSON has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """The place of one training.

    Attributes:
        run_id: of the run in MLflow that it had before; None if it is new.
    """

    directory: Path
    identity: Identity
    run_id: str | None

    @property
    def kept(self) -> CheckpointFile:
        """Where its checkpoints are kept."""
        return CheckpointFile(self.directory / _CHECKPOINT)

    def note(self, run_id: str) -> None:
        """Remember that it was begun. Raises TargetUnwritable, DiskFull."""
        written = {"run_id": run_id, "identity": self.identity}
        content = json.dumps(written, indent=2, ensure_ascii=False).encode()
        write_whole(self.directory / _BEGUN, content)

    def end(self) -> None:
        """Forget it: it came to its end."""
        shutil.rmtree(self.directory, ignore_errors=True)


@contextmanager
def begun_training(work_directory: Path, identity: Identity, *, restart: bool) -> Iterator[Begun]:
    """Give the place of this training, which nobody else uses meanwhile.

    Args:
        work_directory: of the training; made if it is not there.
        identity: of the training.
        restart: forget what was begun there, whatever it was.

    Raises:
        InvalidRequest: another one was begun there, and is named by what differs; or one is at
            work; or what is there is damaged.
        FileMissing: what is there cannot be read.
        TargetUnwritable.
    """
    directory = work_directory / DIRECTORY
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise TargetUnwritable(errno=error.errno) from error
    try:
        _take(lock, work_directory)
        if restart:
            for name in (_BEGUN, _CHECKPOINT):
                (directory / name).unlink(missing_ok=True)
        # As JSON has it: a tuple is a list there.
        own = json.loads(json.dumps(identity))
        yield Begun(directory=directory, identity=own, run_id=_run_id(directory, own))
    finally:
        os.close(lock)


def _take(lock: int, work_directory: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InvalidRequest(
            f"Another training is at work in {work_directory}: wait for it, or name another --work."
        ) from error


def _run_id(directory: Path, identity: Identity) -> str | None:
    """Return the run of what was begun here, if it is the same training."""
    path = directory / _BEGUN
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FileMissing(f"{path} cannot be read.") from error
    try:
        before = json.loads(content)
        run_id, its_identity = str(before["run_id"]), dict(before["identity"])
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidRequest(f"{path} is damaged. Begin anew (--restart).") from error
    if its_identity != identity:
        raise _another(directory.parent, its_identity, identity)
    return run_id


def _another(work_directory: Path, before: Identity, asked: Identity) -> InvalidRequest:
    differing = sorted(
        name for name in before.keys() | asked.keys() if before.get(name) != asked.get(name)
    )
    return InvalidRequest(
        f"Another training was begun in {work_directory} and has not ended. Ask for the same to "
        "take it up, name another --work, or give it up (--restart).",
        errors=tuple(
            FieldError(
                field=name,
                code="differs",
                message=f"was {before.get(name, 'absent')}, is {asked.get(name, 'absent')}",
            )
            for name in differing
        ),
    )
