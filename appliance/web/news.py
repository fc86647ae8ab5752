"""That something new can be read: rung by the workers, heard by the event streams."""

from __future__ import annotations

import asyncio


class News:
    """A bell between threads that compute and coroutines that wait; one for a process.

    It says that there is something, not what: whoever hears it reads the records.
    """

    def __init__(self) -> None:
        """Begin without anybody who listens."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rung = asyncio.Event()
        self._is_closed = False

    def listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """Belong to this loop from now on; before, nothing is heard."""
        self._loop = loop

    def ring(self) -> None:
        """Wake everyone who waits; from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ring)

    def close(self) -> None:
        """Wake everyone for the last time: the box stops. Within the loop."""
        self._is_closed = True
        self._ring()

    @property
    def is_closed(self) -> bool:
        """Whether the box stops."""
        return self._is_closed

    def bell(self) -> asyncio.Event:
        """Return what the next ring sets; to be taken before the records are read."""
        return self._rung

    def _ring(self) -> None:
        rung, self._rung = self._rung, asyncio.Event()
        rung.set()
        if self._is_closed:
            self._rung.set()
