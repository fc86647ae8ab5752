"""Recordings as files: `<sha256>.wav`, read-only, one flat directory, durable when acknowledged.

Flat, because the digest is unknown while a recording streams in and a part file has to lie in
its final directory already; ext4 and xfs index directories, so a million names are no burden.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import math
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Final

from appliance.adapters.audio_files.disk import Disk
from appliance.adapters.audio_files.latch import Latch
from appliance.adapters.audio_files.part import AudioFile
from appliance.core.errors import AudioDamaged, AudioMissing, DiskFull, StorageFailed
from appliance.core.ids import Sha256
from appliance.core.wav import MAX_BYTES

_CONTENT: Final = re.compile(r"([0-9a-f]{64})\.wav")
_PART: Final = re.compile(r"\.[0-9a-f]{32}\.part")
_LOCK: Final = ".lock"
_DAMAGED: Final = frozenset({errno.EIO, errno.EUCLEAN, errno.EBADMSG})
_ABSENT: Final = frozenset({errno.ENOENT, errno.EACCES, errno.ELOOP, errno.EISDIR})


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
        n_reserved_names: int = 0,
        on_failure: Callable[[StorageFailed], None] | None = None,
        disk: Disk | None = None,
    ) -> None:
        """Make the directory (0700) if it is absent.

        Args:
            directory: `audio/` of the data directory.
            reserve_bytes: free space that recordings never touch.
            n_reserved_names: files that may still be made, and that recordings leave.
            on_failure: called once, in the thread that met the failure; must neither block
                nor write.
            disk: the real one unless a test brings its own.

        Raises:
            DiskFull, StorageFailed.
        """
        self.directory = directory
        self.disk = disk or Disk()
        self._reserve_bytes = reserve_bytes
        self._n_reserved_names = n_reserved_names
        self._latch = Latch(on_failure)
        with self._latch.durably():
            directory.mkdir(mode=0o700, exist_ok=True)
            directory.chmod(0o700)
            self._sync(directory.parent)

    def begin(self, *, max_bytes: int = MAX_BYTES) -> AudioFile:
        """Open a part file. Raises DiskFull below the reserve, Overloaded, StorageFailed."""
        path = self.directory / f".{secrets.token_hex(16)}.part"
        with self.durably():
            self.refuse_below_reserve(0)
            self._refuse_last_names()
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            handle = self.disk.open(path, flags, 0o600)
            # While it is locked no sweep takes it for a crash's leaving; a kill unlocks it.
            fcntl.flock(handle, fcntl.LOCK_SH)
            return AudioFile(self, path, handle, max_bytes=max_bytes)

    def read(self, sha256: Sha256) -> bytes:
        """Return the bytes; what does not have its hash is never returned.

        Raises:
            AudioMissing, AudioDamaged, Overloaded.
        """
        try:
            content = self._content_or_again(self.path(sha256))
        except OSError as error:
            if error.errno in _ABSENT:
                raise AudioMissing(sha256=sha256) from error
            if error.errno in _DAMAGED:
                raise AudioDamaged(sha256=sha256) from error
            raise self._latch.fault(error) from error
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

    def hashes(self, *, older_than_s: float = -math.inf) -> Iterator[Sha256]:
        """Yield what was stored at least so long ago, in no order."""
        for name in self._names(_CONTENT, older_than_s):
            yield Sha256(name.removesuffix(".wav"))

    def sweep(self, *, older_than_s: float) -> int:
        """Remove part files left behind by a crash; return how many."""
        n_parts = 0
        with self.durably():
            for name in self._names(_PART, older_than_s):
                # One that is closed and about to be renamed is held by `settling`.
                with self._locked(fcntl.LOCK_EX):
                    n_parts += self._remove_unless_open(self.directory / name)
        return n_parts

    def refuse_writes(self) -> None:
        """Acknowledge nothing any more: the disk failed, here or for another store."""
        self._latch.close_silently()

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

    def _refuse_last_names(self) -> None:
        """Raise DiskFull if one file more would be one of the last."""
        n_names = self.disk.n_names(self.directory)
        if n_names is not None and n_names <= self._n_reserved_names:
            raise DiskFull(n_names=n_names)

    def durably(self) -> AbstractContextManager[None]:
        """Let nothing be acknowledged after a failure.

        Raises:
            DiskFull, Overloaded: what was under way was not stored, but the disk is sound.
            StorageFailed: it failed, now or before.
        """
        return self._latch.durably()

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        """Hold the directory's lock; each time it is opened anew, so threads count as well."""
        with self.durably():
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            handle = self.disk.open(self.directory / _LOCK, flags, 0o600)
        try:
            with self.durably():
                fcntl.flock(handle, kind)
            yield
        finally:
            # Nothing was ever written to it that a close could lose.
            with suppress(OSError):
                os.close(handle)

    def _remove_unless_open(self, part: Path) -> bool:
        """Remove a part file that nobody writes; return whether it is gone by this."""
        try:
            handle = self.disk.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink()
        except BlockingIOError:
            return False
        finally:
            os.close(handle)
        return True

    def _sync(self, directory: Path) -> None:
        handle = self.disk.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, 0)
        try:
            self.disk.fsync(handle)
        except OSError as error:
            # A rename whose directory cannot be synced is a failed disk, even if it says full.
            raise self._latch.close(error) from error
        finally:
            os.close(handle)

    def _names(self, pattern: re.Pattern[str], older_than_s: float) -> Iterator[str]:
        """Yield names whose file has been what it is for at least so long."""
        latest_s = self.disk.now_s() - older_than_s
        try:
            with os.scandir(self.directory) as entries:
                names = [entry.name for entry in entries if pattern.fullmatch(entry.name)]
        except OSError as error:
            raise self._latch.fault(error) from error
        for name in names:
            # Not the time of its content: a rename and a chmod count as well.
            with suppress(FileNotFoundError):  # removed by another thread meanwhile
                if (self.directory / name).lstat().st_ctime <= latest_s:
                    yield name

    def _content_or_again(self, path: Path) -> bytes:
        """Return a file's content; a disk that fails to read once is asked a second time.

        What is called damaged here makes a result an error for good: a moment's fault of a
        cable must not.
        """
        try:
            return self._content(path)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return self._content(path)

    def _content(self, path: Path) -> bytes:
        """Return a regular file's content. Raises OSError, EBADMSG if it is none of ours."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        handle = self.disk.open(path, flags, 0)
        with os.fdopen(handle, "rb") as file:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BYTES:
                raise OSError(errno.EBADMSG, "not a recording")
            return file.read()
