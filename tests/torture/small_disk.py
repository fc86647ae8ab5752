"""A small real disk: ext4 on a loop mount, filled to the byte by somebody else."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BLOCK_BYTES = 4096
MIB = 1 << 20
_FULL = frozenset({errno.ENOSPC})


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A mounted disk, and the program that fills it."""

    root: Path

    @property
    def free_bytes(self) -> int:
        """What may still be written."""
        found = os.statvfs(self.root)
        return found.f_bavail * found.f_frsize

    def leave(self, n_bytes: int) -> None:
        """Fill the disk, or make room, until just so many bytes are left."""
        handle = os.open(self._filler, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            for _ in range(50):
                os.fsync(handle)
                excess = (self.free_bytes - n_bytes) // BLOCK_BYTES * BLOCK_BYTES
                held = os.fstat(handle).st_size
                if not excess or (excess < 0 and not held):
                    return
                if excess < 0:
                    os.ftruncate(handle, max(0, held + excess))
                else:
                    self._take(handle, held, excess)
        finally:
            os.close(handle)

    def empty(self) -> None:
        """Give back what the filler took."""
        self._filler.unlink(missing_ok=True)
        for path in self.root.glob("name-*"):
            path.unlink()

    def take_all_names(self) -> None:
        """Make empty files until no file more can be made."""
        with contextlib.suppress(OSError):
            for number in range(1_000_000):
                (self.root / f"name-{number}").touch()

    @property
    def _filler(self) -> Path:
        return self.root / "filler"

    def _take(self, handle: int, held: int, n_bytes: int) -> None:
        """Allocate so much more; a little less if the disk needs some for itself."""
        while n_bytes > 0:
            try:
                os.posix_fallocate(handle, held, n_bytes)
            except OSError as error:
                if error.errno not in _FULL:
                    raise
                n_bytes = n_bytes // 2 // BLOCK_BYTES * BLOCK_BYTES
            else:
                return


@contextmanager
def small_disk(directory: Path, *, n_mib: int, n_names: int | None = None) -> Iterator[SmallDisk]:
    """Give a disk of this size; it is unmounted and detached whatever happens."""
    image, root = directory / "disk.img", directory / "disk"
    with image.open("wb") as file:
        file.truncate(n_mib * MIB)
    names = [] if n_names is None else ["-N", str(n_names)]
    # No blocks for root, who runs this: the disk shall be as full for it as for the box's user.
    _run("mkfs.ext4", "-q", "-b", str(BLOCK_BYTES), "-m", "0", *names, str(image))
    root.mkdir()
    _run("mount", "-o", "loop", str(image), str(root))
    try:
        yield SmallDisk(root)
    finally:
        _run("umount", str(root))
        image.unlink()


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
