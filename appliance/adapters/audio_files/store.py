"""Recordings as files: `<sha256>.wav`, read-only, one flat directory, durable when acknowledged.

Flat, because the digest is unknown while a recording streams in and a part file has to lie in
its final directory already; ext4 and xfs index directories, so a million names are no burden.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import logging
import os
import re
import secrets
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from appliance.adapters.audio_files.disk import Disk
from appliance.core.errors import (
    ApplianceError,
    AudioDamaged,
    AudioMissing,
    DiskFull,
    StorageFailed,
    TooLarge,
)
from appliance.core.ids import Sha256
from appliance.core.wav import MAX_BYTES

_CONTENT: Final = re.compile(r"([0-9a-f]{64})\.wav")
_PART: Final = re.compile(r"\.[0-9a-f]{32}\.part")
_LOCK: Final = ".lock"
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_DAMAGED: Final = frozenset({errno.EIO, errno.EUCLEAN, errno.EBADMSG})
_ABSENT: Final = frozenset({errno.ENOENT, errno.EACCES, errno.ELOOP, errno.EISDIR})

_log = logging.getLogger(__name__)


class AudioFiles:
    """The directory `audio/`; may be used from any thread.

    After a failed write, fsync, close or rename nothing is acknowledged any more: the kernel
    may have dropped the pages and marked them clean, so trying again proves nothing.
    """

    def __init__(
        self,
        directory: Path,
        *,
        reserve_bytes: int,
        on_failure: Callable[[StorageFailed], None] | None = None,
        disk: Disk | None = None,
    ) -> None:
        """Make the directory (0700) if it is absent.

        Args:
            directory: `audio/` of the data directory.
            reserve_bytes: free space that recordings never touch.
            on_failure: called once, in the thread that met the failure; must neither block
                nor write.
            disk: the real one unless a test brings its own.

        Raises:
            DiskFull, StorageFailed.
        """
        self.directory = directory
        self.disk = disk or Disk()
        self._reserve_bytes = reserve_bytes
        self._on_failure = on_failure
        self._failed = False
        self._failing = threading.Lock()
        with self.durably():
            directory.mkdir(mode=0o700, exist_ok=True)
            directory.chmod(0o700)
            self._sync(directory.parent)

    def begin(self) -> AudioFile:
        """Open a part file. Raises DiskFull below the reserve, StorageFailed."""
        path = self.directory / f".{secrets.token_hex(16)}.part"
        with self.durably():
            self.refuse_below_reserve(0)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            return AudioFile(self, path, os.open(path, flags, 0o600))

    def read(self, sha256: Sha256) -> bytes:
        """Return the bytes; what does not have its hash is never returned.

        Raises:
            AudioMissing, AudioDamaged.
        """
        try:
            content = _read(self.path(sha256))
        except OSError as error:
            if error.errno in _ABSENT:
                raise AudioMissing(sha256=sha256) from error
            if error.errno in _DAMAGED:
                raise AudioDamaged(sha256=sha256) from error
            raise self.failed(error) from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise AudioDamaged(sha256=sha256)
        return content

    @contextmanager
    def settling(self) -> Iterator[None]:
        """Hold off every `erase` between a file and the row that names it."""
        with self._locked(fcntl.LOCK_SH):
            yield

    def erase(self, sha256: Sha256, *, unless: Callable[[], bool]) -> None:
        """Remove the file and fsync the directory, unless it is needed; absent is no error."""
        with self._locked(fcntl.LOCK_EX):
            if unless():
                return
            with self.durably():
                self.path(sha256).unlink(missing_ok=True)
                self.sync()

    def hashes(self, *, older_than_s: float = 0.0) -> Iterator[Sha256]:
        """Yield what was stored at least so long ago, in no order."""
        for name in self._names(_CONTENT, older_than_s):
            yield Sha256(name.removesuffix(".wav"))

    def sweep(self, *, older_than_s: float) -> int:
        """Remove part files left behind by a crash; return how many."""
        n_parts = 0
        with self.durably():
            for name in self._names(_PART, older_than_s):
                (self.directory / name).unlink(missing_ok=True)
                n_parts += 1
        return n_parts

    def refuse_writes(self) -> None:
        """Acknowledge nothing any more: the disk failed, here or for another store."""
        self._failed = True

    def path(self, sha256: Sha256) -> Path:
        """Return where this content lies. Raises AudioMissing for what is no hash."""
        if not _CONTENT.fullmatch(f"{sha256}.wav"):
            raise AudioMissing(sha256=sha256)
        return self.directory / f"{sha256}.wav"

    def sync(self) -> None:
        """Make names in the directory durable."""
        self._sync(self.directory)

    def refuse_below_reserve(self, n_bytes: int) -> None:
        """Raise DiskFull if so many bytes more would touch the reserve."""
        if self.disk.free_bytes(self.directory) - n_bytes < self._reserve_bytes:
            raise DiskFull(reserve_bytes=self._reserve_bytes)

    @contextmanager
    def durably(self) -> Iterator[None]:
        """Let nothing be acknowledged after a failure.

        Raises:
            DiskFull: what was under way was not stored, but the disk is sound.
            StorageFailed: it failed, now or before.
        """
        if self._failed:
            raise StorageFailed("The disk failed before; nothing more is acknowledged.")
        try:
            yield
        except OSError as error:
            if error.errno in _FULL:
                raise DiskFull from error
            raise self.failed(error) from error

    def failed(self, error: OSError) -> ApplianceError:
        """Close the latch and return what to raise."""
        failure = StorageFailed(errno=errno.errorcode.get(error.errno or 0, "unknown"))
        with self._failing:
            first, self._failed = not self._failed, True
        if first and self._on_failure is not None:
            self._on_failure(failure)
        return failure

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        """Hold the directory's lock; each time it is opened anew, so threads count as well."""
        with self.durably():
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            handle = os.open(self.directory / _LOCK, flags, 0o600)
        try:
            fcntl.flock(handle, kind)
            yield
        finally:
            os.close(handle)

    def _sync(self, directory: Path) -> None:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.disk.fsync(handle)
        except OSError as error:
            # A rename whose directory cannot be synced is a failed disk, even if it says full.
            raise self.failed(error) from error
        finally:
            os.close(handle)

    def _names(self, pattern: re.Pattern[str], older_than_s: float) -> Iterator[str]:
        """Yield names whose file has been what it is for at least so long."""
        latest_s = self.disk.now_s() - older_than_s
        try:
            with os.scandir(self.directory) as entries:
                names = [entry.name for entry in entries if pattern.fullmatch(entry.name)]
        except OSError as error:
            raise self.failed(error) from error
        for name in names:
            # Not the time of its content: a rename and a chmod count as well.
            with suppress(FileNotFoundError):  # removed by another thread meanwhile
                if (self.directory / name).lstat().st_ctime <= latest_s:
                    yield name


class AudioFile:
    """A recording on its way to disk; belongs to one request, not thread-safe."""

    def __init__(self, store: AudioFiles, path: Path, handle: int) -> None:
        """Own an open, empty part file."""
        self._store = store
        self._path = path
        self._handle: int | None = handle
        self._digest = hashlib.sha256()
        self._n_bytes = 0

    def write(self, chunk: bytes) -> None:
        """Append bytes. Raises TooLarge beyond 24 MiB, DiskFull, StorageFailed."""
        if self._n_bytes + len(chunk) > MAX_BYTES:
            raise TooLarge(max_bytes=MAX_BYTES)
        rest = memoryview(chunk)
        with self._store.durably():
            self._store.refuse_below_reserve(len(chunk))
            while rest:
                rest = rest[self._store.disk.write(self._open_handle, rest) :]
        self._n_bytes += len(chunk)
        self._digest.update(chunk)

    def content(self) -> bytes:
        """Return what was written so far."""
        with self._store.durably():
            return os.pread(self._open_handle, self._n_bytes, 0)

    def sha256(self) -> Sha256:
        """Return the digest of what was written so far."""
        return Sha256(self._digest.hexdigest())

    def keep(self) -> Sha256:
        """Make it durable under its SHA-256: fsync, close, rename, fsync directory."""
        disk, sha256 = self._store.disk, self.sha256()
        with self._store.durably():
            os.fchmod(self._open_handle, 0o400)
            disk.fsync(self._open_handle)
            self._close(disk.close)
            disk.rename(self._path, self._store.path(sha256))
            self._store.sync()
        return sha256

    def discard(self) -> None:
        """Remove it; a no-op after keep.

        What cannot be removed is harmless: it has no name of a recording, and is swept.
        """
        try:
            if self._handle is not None:
                self._close(os.close)
            self._path.unlink(missing_ok=True)
        except OSError as error:
            code = errno.errorcode.get(error.errno or 0, "unknown")
            _log.warning("part-not-removed", extra={"errno": code})

    @property
    def _open_handle(self) -> int:
        if self._handle is None:
            raise ValueError("The part was kept or discarded.")
        return self._handle

    def _close(self, close: Callable[[int], None]) -> None:
        """Close once: whatever close says, the number may be another file's afterwards."""
        handle, self._handle = self._open_handle, None
        close(handle)


def _read(path: Path) -> bytes:
    """Return a regular file's content. Raises OSError, EBADMSG if it is none of ours."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BYTES:
            raise OSError(errno.EBADMSG, "not a recording")
        return file.read()
