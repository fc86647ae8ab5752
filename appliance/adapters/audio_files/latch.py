"""What an error of the system means: a full disk, a moment's shortage, or a disk that failed."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from appliance.core.errors import ApplianceError, DiskFull, Overloaded, StorageFailed

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_SHORT: Final = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOLCK, errno.EAGAIN, errno.EINTR}
)
"""The system was short of something, or was interrupted: nothing is said of the disk."""


class Latch:
    """Closes for good when the disk fails: a failed fsync may be forgotten by the next one."""

    def __init__(self, on_failure: Callable[[StorageFailed], None] | None) -> None:
        """Stay open until something fails.

        Args:
            on_failure: called once, in the thread that met the failure; must neither block
                nor write.
        """
        self._on_failure = on_failure
        self._closed = False
        self._closing = threading.Lock()

    @contextmanager
    def durably(self) -> Iterator[None]:
        """Let nothing be acknowledged after a failure.

        Raises:
            DiskFull, Overloaded: what was under way was not stored, but the disk is sound.
            StorageFailed: it failed, now or before.
        """
        if self._closed:
            raise StorageFailed("The disk failed before; nothing more is acknowledged.")
        try:
            yield
        except OSError as error:
            raise self.fault(error) from error

    def fault(self, error: OSError) -> ApplianceError:
        """Return what to raise for an error; closes the latch unless it is surely harmless.

        Harmless means that whoever meets it acknowledges nothing and throws its part away: no
        later fsync has to make up for the one that did not happen.
        """
        if error.errno in _FULL:
            return DiskFull()
        if error.errno in _SHORT:
            return Overloaded(errno=_name(error))
        return self.close(error)

    def close(self, error: OSError) -> StorageFailed:
        """Acknowledge nothing from now on, tell of it once, and return what to raise."""
        failure = StorageFailed(errno=_name(error))
        with self._closing:
            first, self._closed = not self._closed, True
        if first and self._on_failure is not None:
            self._on_failure(failure)
        return failure

    def close_silently(self) -> None:
        """Acknowledge nothing from now on: whoever asks knows already."""
        self._closed = True


def _name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "unknown")
