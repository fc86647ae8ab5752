"""One recording on its way to disk."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.core.errors import TooLarge
from appliance.core.ids import Sha256

if TYPE_CHECKING:
    from appliance.adapters.audio_files.store import AudioFiles

_log = logging.getLogger(__name__)


class AudioFile:
    """A recording on its way to disk; belongs to one request, not thread-safe."""

    def __init__(self, store: AudioFiles, path: Path, handle: int, *, max_bytes: int) -> None:
        """Own an open, empty part file."""
        self._store = store
        self._path = path
        self._handle: int | None = handle
        self._digest = hashlib.sha256()
        self._n_bytes = 0
        self._max_bytes = max_bytes

    def write(self, chunk: bytes) -> None:
        """Append bytes. Raises TooLarge beyond the most it may hold, DiskFull, StorageFailed."""
        if self._n_bytes + len(chunk) > self._max_bytes:
            raise TooLarge(max_bytes=self._max_bytes)
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
