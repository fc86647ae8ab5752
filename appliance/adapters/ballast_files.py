"""Ballast: files that hold space, to be given up when others have filled the disk.

Sixteen of them, so that no more is given up than is needed: a program that fills the disk meets
its end before it gets all of it. Removing a file needs no room itself, and gives a name back too.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.core.disk_levels import DiskLevels, Room, disk_levels
from appliance.core.errors import DiskFull

N_PIECES: Final = 16
_SECTOR_BYTES: Final = 512  # the unit of st_blocks, whatever the disk's is

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The calls the ballast makes, so that tests can have a disk of any size."""

    statvfs: Callable[[Path], os.statvfs_result] = os.statvfs
    allocate: Callable[[int, int, int], None] = os.posix_fallocate


class BallastFiles:
    """The directory `ballast/`; fills `appliance.ports.DiskSpace`, from any thread.

    Nothing here raises for the disk's sake: without ballast the disk itself says what fits.
    """

    def __init__(
        self,
        directory: Path,
        *,
        reserve_bytes: int,
        ballast_bytes: int,
        disk: Disk | None = None,
    ) -> None:
        """Look at the disk; nothing is made yet.

        Args:
            directory: `ballast/` of the data directory; its parent exists.
            reserve_bytes: what recordings are to leave; less on a small disk.
            ballast_bytes: of all the files together; less on a small disk.
            disk: the real one unless a test brings its own.
        """
        self._directory = directory
        self._disk = disk or Disk()
        self._changing = threading.Lock()
        self.levels = self._levels(reserve_bytes, ballast_bytes)
        self._piece_bytes = self.levels.ballast_bytes // N_PIECES

    def free_bytes(self) -> int:
        """Return what others and the box may still write, ballast not counted."""
        return self._room().free_bytes

    def ballast_bytes(self) -> int:
        """Return how much the files hold."""
        return sum(_held_bytes(path) for path in self._pieces())

    def admit(self, *, growing: bool) -> None:
        """Make room for a write, and raise DiskFull if it is one that must wait."""
        room = self._room()
        while not room.holds(self.levels.small) and self.give_up():
            room = self._room()
        if growing and not room.holds(self.levels.growing):
            raise DiskFull(free_bytes=room.free_bytes)

    def give_up(self) -> bool:
        """Remove one file; return whether there was one."""
        with self._changing:
            for path in reversed(self._pieces()):
                try:
                    path.unlink()
                except OSError as error:
                    # Another process was first, or the file stays whatever we do.
                    _warn("ballast-not-given-up", error)
                    continue
                _log.warning("ballast-given-up", extra={"free_bytes": self.free_bytes()})
                return True
        return False

    def restore(self) -> bool:
        """Make files anew while recordings are still taken afterwards; return whether all are."""
        if not self._piece_bytes:
            self._remove_all()
            return True
        with self._changing:
            for number in range(N_PIECES):
                path = self._directory / f"{number:02}"
                if _is_whole(path, self._piece_bytes):
                    continue
                if not self._is_room_for_piece() or not self._made(path):
                    return False
        return True

    def _made(self, path: Path) -> bool:
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            path.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            handle = os.open(path, flags, 0o600)
            try:
                self._disk.allocate(handle, 0, self._piece_bytes)
            except OSError:
                path.unlink()
                raise
            finally:
                os.close(handle)
        except OSError as error:
            _warn("ballast-not-made", error)
            return False
        return True

    def _is_room_for_piece(self) -> bool:
        room = self._room()
        left = Room(
            free_bytes=room.free_bytes - self._piece_bytes,
            n_names=None if room.n_names is None else room.n_names - 1,
        )
        return left.holds(self.levels.recordings)

    def _remove_all(self) -> None:
        """Give back what former settings held."""
        while self.give_up():
            pass

    def _pieces(self) -> list[Path]:
        try:
            return sorted(self._directory.iterdir())
        except OSError:
            return []  # none were made yet

    def _levels(self, reserve_bytes: int, ballast_bytes: int) -> DiskLevels:
        try:
            found = self._disk.statvfs(self._directory.parent)
        except OSError as error:
            _warn("disk-not-asked", error)
            return disk_levels(0, None, reserve_bytes=0, ballast_bytes=0)
        return disk_levels(
            found.f_blocks * found.f_frsize,
            found.f_files or None,
            reserve_bytes=reserve_bytes,
            ballast_bytes=ballast_bytes,
        )

    def _room(self) -> Room:
        """Return what is left; a disk that cannot be asked refuses by itself when it is full."""
        try:
            found = self._disk.statvfs(self._directory.parent)
        except OSError as error:
            _warn("disk-not-asked", error)
            return self.levels.recordings
        return Room(
            free_bytes=found.f_bavail * found.f_frsize,
            n_names=found.f_favail if found.f_files else None,
        )


def _held_bytes(path: Path) -> int:
    """Return what a file really takes; one that is gone takes nothing."""
    try:
        return path.lstat().st_blocks * _SECTOR_BYTES
    except OSError:
        return 0


def _is_whole(path: Path, n_bytes: int) -> bool:
    """Return whether a file has this size and really takes it; another process may remove it."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return found.st_size == n_bytes <= found.st_blocks * _SECTOR_BYTES


def _warn(event: str, error: OSError) -> None:
    _log.warning(event, extra={"errno": errno.errorcode.get(error.errno or 0, "unknown")})
