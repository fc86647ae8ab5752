"""A file system that passes everything through, writes down each change, and fails on demand.

Run as a process of its own: `python -m tests.torture.faulty_disk MOUNT BACKING NOTES`. One thread
serves all calls, so the journal has one order: that in which they happened.
"""

from __future__ import annotations

import errno
import json
import os
import socketserver
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import mfusepy  # type: ignore[import-untyped]

from tests.torture.disk_journal import Journal, Plan

CONTROL: Final = "control.sock"
LATE_S: Final = 0.002
"""An fsync counts so much later: whoever answers before it has ended is seen to do so."""

_UNSEEN: Final = ("-shm", ".sock")
"""Not of the disk: the kernel writes the one when it likes, the other holds nothing."""


class Disk(mfusepy.Operations):  # type: ignore[misc]
    """The file system: paths begin with `/` and lie below the backing directory."""

    use_ns = True

    def __init__(self, backing: str, journal: Journal) -> None:
        """Pass through to `backing`."""
        self._backing = Path(backing)
        self._journal = journal
        self._paths: dict[int, str] = {}
        self.plan = Plan()

    def init_with_config(self, _connection: object, config: Any) -> None:  # noqa: ANN401 - ctypes
        """Let removed files live on while they are open, under no name."""
        config.hard_remove = 1
        config.use_ino = 1
        config.nullpath_ok = 1

    # --- what changes the disk ------------------------------------------------------------------

    def create(self, path: str, mode: int, flags: int) -> int:
        """Make a file and open it."""
        self._may_fail("open", path)
        handle = os.open(self._at(path), _readable(flags) | os.O_CREAT, mode)
        self._paths[handle] = path
        self._note(path, "create", path, handle, mode & 0o7777)
        return handle

    def open(self, path: str, flags: int) -> int:
        """Open a file, cutting it if asked to."""
        self._may_fail("open", path)
        handle = os.open(self._at(path), _readable(flags))
        self._paths[handle] = path
        self._note(path, "open", path, handle, bool(flags & os.O_TRUNC))
        return handle

    def write(self, _path: str, content: bytes, offset: int, handle: int) -> int:
        """Write, in the page cache only: `fsync` is what makes it last."""
        path = self._paths[handle]
        if not path.endswith(_UNSEEN):
            self._may_fail("write", path)
        n_bytes = os.pwrite(handle, content, offset)
        self._note(path, "write", handle, offset, content=content[:n_bytes])
        return n_bytes

    def truncate(self, path: str | None, length: int, handle: int | None = None) -> None:
        """Cut or lengthen a file."""
        if handle is None:
            os.truncate(self._at(str(path)), length)
            self._note(str(path), "cut", path, length)
            return
        os.ftruncate(handle, length)
        self._note(self._paths[handle], "cut-open", handle, length)

    def fsync(self, _path: str, _datasync: int, handle: int) -> None:
        """Make content last; once it failed, what was unwritten stays so."""
        path = self._paths[handle]
        if self.plan.count("fsync", path):
            self._note(path, "sync-failed", handle)
            raise OSError(errno.EIO, "as planned")
        time.sleep(LATE_S)
        if not self._lies(path):
            self._note(path, "sync", handle)

    def fsyncdir(self, _path: str, _datasync: int, handle: int) -> None:
        """Make the names of a directory last."""
        path = self._paths[handle]
        self._may_fail("fsync", path)
        time.sleep(LATE_S)
        if not self._lies(path):
            self._note(path, "sync-directory", path)

    def rename(self, old: str, new: str) -> None:
        """Give a file or directory another name, over what has it already."""
        self._may_fail("rename", old)
        self._at(old).rename(self._at(new))
        self._note(new, "rename", old, new)

    def link(self, new: str, old: str) -> None:
        """Give a file a second name."""
        self._at(new).hardlink_to(self._at(old))
        self._note(new, "link", old, new)

    def unlink(self, path: str) -> None:
        """Take a name away."""
        self._at(path).unlink()
        self._note(path, "unlink", path)

    def mkdir(self, path: str, mode: int) -> None:
        """Make a directory."""
        self._at(path).mkdir(mode)
        self._note(path, "mkdir", path, mode & 0o7777)

    def rmdir(self, path: str) -> None:
        """Remove an empty directory."""
        self._at(path).rmdir()
        self._note(path, "rmdir", path)

    def chmod(self, path: str, mode: int) -> None:
        """Change who may do what."""
        self._at(path).chmod(stat.S_IMODE(mode))
        self._note(path, "chmod", path, stat.S_IMODE(mode))

    def mknod(self, path: str, mode: int, device: int) -> None:
        """Make a socket."""
        os.mknod(self._at(path), mode, device)

    # --- what does not --------------------------------------------------------------------------

    def getattr(self, path: str | None, handle: int | None = None) -> dict[str, Any]:
        """Return what `stat` says."""
        found = self._at(path).lstat() if path is not None else os.fstat(handle or 0)
        names = ("mode", "ino", "nlink", "uid", "gid", "size", "blocks", "blksize")
        times = {f"st_{t}": getattr(found, f"st_{t}_ns") for t in ("atime", "mtime", "ctime")}
        return {f"st_{name}": getattr(found, f"st_{name}") for name in names} | times

    def read(self, _path: str, size: int, offset: int, handle: int) -> bytes:
        """Return content."""
        self._may_fail("read", self._paths[handle])
        return os.pread(handle, size, offset)

    def flush(self, _path: str, handle: int) -> None:
        """Answer to close, which may fail."""
        self._may_fail("close", self._paths[handle])

    def release(self, _path: str, handle: int) -> None:
        """Forget an open file."""
        path = self._paths.pop(handle)
        os.close(handle)
        self._note(path, "release", handle)

    def opendir(self, path: str) -> int:
        """Open a directory."""
        self._may_fail("open", path)
        handle = os.open(self._at(path), os.O_RDONLY | os.O_DIRECTORY)
        self._paths[handle] = path
        return handle

    def readdir(self, _path: str, handle: int) -> Iterator[tuple[str, dict[str, int], int]]:
        """Yield names with number and kind: a name without a number is not seen."""
        for name in (".", "..", *os.listdir(handle)):
            found = os.lstat(name, dir_fd=handle)
            yield name, {"st_ino": found.st_ino, "st_mode": found.st_mode}, 0

    def releasedir(self, _path: str, handle: int) -> None:
        """Forget an open directory."""
        self._paths.pop(handle)
        os.close(handle)

    def statfs(self, _path: str) -> dict[str, int]:
        """Return how much room there is."""
        found = os.statvfs(self._backing)
        names = ("bavail", "bfree", "blocks", "bsize", "favail", "ffree", "files", "frsize")
        return {f"f_{name}": getattr(found, f"f_{name}") for name in names} | {"f_namemax": 255}

    def utimens(self, path: str, times: tuple[int, int] | None = None) -> None:
        """Set times, which nothing of the box has to find again after a power cut."""
        os.utime(self._at(path), ns=times or (time.time_ns(), time.time_ns()))

    def _at(self, path: str) -> Path:
        return self._backing / path[1:]

    def _may_fail(self, kind: str, path: str) -> None:
        if self.plan.count(kind, path):
            raise OSError(errno.EIO, "as planned")

    def _lies(self, path: str) -> bool:
        return any(fnmatch(path, pattern) for pattern in self.plan.lies)

    def _note(self, path: str, operation: str, *values: object, content: bytes = b"") -> None:
        if not path.endswith(_UNSEEN):
            self._journal.note(operation, *values, content=content)


class _Fuse(mfusepy.FUSE):  # type: ignore[misc]
    """The binding, which forgets to say which open file is to be cut."""

    def truncate_fuse_3(self, path: bytes | None, length: int, handle: Any) -> int:  # noqa: ANN401
        return int(self.ftruncate(path, length, handle) or 0)


def _readable(flags: int) -> int:
    """Return flags to open the backing file with."""
    kept = flags & (os.O_EXCL | os.O_TRUNC)
    return kept | (os.O_RDWR if flags & (os.O_WRONLY | os.O_RDWR) else os.O_RDONLY)


def _answering(disk: Disk, journal: Journal) -> Callable[..., socketserver.BaseRequestHandler]:
    class Answer(socketserver.StreamRequestHandler):
        """One line in, one line out: a new plan and journal, or what the present one has seen."""

        def handle(self) -> None:
            told = json.loads(self.rfile.readline())
            before = disk.plan
            if told is not None:
                disk.plan = Plan(**told)
                journal.restart()
            journal.flush()
            answer = {
                "seen": before.seen,
                "kind": before.kind,
                "hit": before.hit,
                "hit_ns": before.hit_ns,
            }
            self.wfile.write(json.dumps(answer).encode() + b"\n")

    return Answer


def main(mount: str, backing: str, notes: str) -> None:
    """Serve until unmounted."""
    os.umask(0)
    journal = Journal(Path(notes))
    disk = Disk(backing, journal)
    control = socketserver.ThreadingUnixStreamServer(
        str(Path(notes) / CONTROL), _answering(disk, journal)
    )
    threading.Thread(target=control.serve_forever, daemon=True).start()
    _Fuse(disk, mount, foreground=True, nothreads=True, default_permissions=True, fsname="spira")


if __name__ == "__main__":
    main(*sys.argv[1:])
