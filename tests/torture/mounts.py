"""A mounted disk that can be told to fail, and that is always unmounted again."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.system.boxes import wait_until
from tests.torture.faulty_disk import CONTROL
from tests.torture.trial import needs, needs_root

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A running faulty disk.

    Attributes:
        at: where the box lies.
        backing: the same files, without faults.
        notes: the journal and the control socket.
    """

    at: Path
    backing: Path
    notes: Path

    def plan(self, **plan: object) -> dict[str, Any]:
        """Set which call fails and begin the journal anew; return what the last plan saw."""
        return self._ask(plan)

    def seen(self) -> dict[str, Any]:
        """Return what was seen under this plan; the journal is readable up to here."""
        return self._ask(None)

    def _ask(self, told: Mapping[str, object] | None) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(60)
            control.connect(str(self.notes / CONTROL))
            control.sendall(json.dumps(told).encode() + b"\n")
            answer: dict[str, Any] = json.loads(control.makefile().readline())
            return answer


def needs_fuse() -> None:
    """Skip, saying why, where nothing can be mounted; in CI that is a failure."""
    needs("fusermount3", "fuse3")
    needs_root("mounting a faulty disk")
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        assert not os.environ.get("CI"), "/dev/fuse is missing"
        pytest.skip("/dev/fuse is missing: modprobe fuse")


@contextmanager
def mounted(directory: Path) -> Iterator[Mount]:
    """Mount a faulty disk below a directory; whatever happens, it is unmounted again."""
    needs_fuse()
    mount = Mount(at=directory / "mount", backing=directory / "backing", notes=directory / "notes")
    for path in (mount.at, mount.backing, mount.notes):
        path.mkdir()
    log = (directory / "disk.log").open("wb")
    disk = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.torture.faulty_disk"),
            *map(str, (mount.at, mount.backing, mount.notes)),
        ],
        cwd=ROOT,
        stdout=log,
        stderr=log,
    )
    log.close()
    try:
        wait_until(
            lambda: os.path.ismount(mount.at) or disk.poll() is not None, 20, "the disk to mount"
        )
        assert disk.poll() is None, (directory / "disk.log").read_text()
        yield mount
    finally:
        unmount(mount.at)
        with suppress(subprocess.TimeoutExpired):
            disk.wait(timeout=10)
        disk.kill()
        disk.wait()


def unmount(at: Path) -> None:
    """Unmount, also what is still in use."""
    umount = shutil.which("umount", path="/usr/bin:/bin:/sbin:/usr/sbin") or "umount"
    for command in (["fusermount3", "-u", str(at)], [umount, "-l", str(at)]):
        if subprocess.run(command, check=False, capture_output=True).returncode == 0:
            return
