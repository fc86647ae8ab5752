"""How a worker that waits hears of work: a condition in the process, a datagram from others."""

from __future__ import annotations

import errno
import logging
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

SOCKET_NAME: Final = "huey.sock"
WAIT_AT_MOST_S: Final = 1.0
"""A ring that was lost on its way costs this at most."""
_MAX_ADDRESS_BYTES: Final = 107  # of sun_path, see unix(7)
_NOBODY_LISTENS: Final = frozenset({errno.ENOENT, errno.ECONNREFUSED})
_HEARS_ALREADY: Final = frozenset({errno.EAGAIN, errno.ENOBUFS})

_log = logging.getLogger(__name__)


class Bell:
    """Wakes every thread that waits; a ring between looking and waiting is never missed."""

    def __init__(self, *, wait_at_most_s: float = WAIT_AT_MOST_S) -> None:
        """Be silent; whoever waits looks again after so long, rung or not."""
        self._wait_at_most_s = wait_at_most_s
        self._condition = threading.Condition()
        self._n_rings = 0

    @property
    def n_rings(self) -> int:
        """How often it rang; to be read before looking for work."""
        return self._n_rings

    def ring(self) -> None:
        """Wake everyone."""
        with self._condition:
            self._n_rings += 1
            self._condition.notify_all()

    def wait(self, n_rings: int) -> None:
        """Return as soon as it has rung since `n_rings` was read, or after the bound."""
        with self._condition:
            self._condition.wait_for(lambda: self._n_rings != n_rings, self._wait_at_most_s)


class Ear:
    """One thread that hears datagrams of other processes, and looks after things now and then."""

    def __init__(
        self,
        directory: Path,
        *,
        on_ring: Callable[[], None],
        every_s: float,
        look_after: Callable[[], object],
    ) -> None:
        """Listen at `huey.sock` (0600) in the directory.

        Args:
            directory: of the queue.
            on_ring: called for every datagram, whatever it holds.
            every_s: how often to look after things.
            look_after: called that often, in the ear's thread.
        """
        self._path = directory / SOCKET_NAME
        self._on_ring = on_ring
        self._every_s = every_s
        self._look_after = look_after
        self._closing = os.eventfd(0, os.EFD_CLOEXEC)
        self._socket = self._bound()
        self._thread = threading.Thread(target=self._listen, name="queue-ear", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and remove the socket."""
        os.eventfd_write(self._closing, 1)
        self._thread.join()
        os.close(self._closing)
        if self._socket is not None:
            self._socket.close()
            self._path.unlink(missing_ok=True)

    def _bound(self) -> socket.socket | None:
        """Return the socket; None if there can be none, then others are heard within a second."""
        ear = _socket()
        try:
            self._path.unlink(missing_ok=True)
            with _address(self._path) as address:
                ear.bind(address)
            self._path.chmod(0o600)
        except OSError as error:
            _log.warning("queue-deaf", extra={"errno": errno.errorcode.get(error.errno or 0)})
            ear.close()
            return None
        return ear

    def _listen(self) -> None:
        poll = select.poll()
        poll.register(self._closing, select.POLLIN)
        if self._socket is not None:
            poll.register(self._socket, select.POLLIN)
        look_at_s = time.monotonic() + self._every_s
        while True:
            ready = {fd for fd, _ in poll.poll(max(0.0, look_at_s - time.monotonic()) * 1000)}
            if self._closing in ready:
                return
            if ready and self._socket is not None:
                # Rings that arrived together are one.
                with suppress(BlockingIOError):
                    while True:
                        self._socket.recv(1)
                self._on_ring()
            if time.monotonic() >= look_at_s:
                self._look_after()
                look_at_s = time.monotonic() + self._every_s


def ring_elsewhere(directory: Path) -> None:
    """Ring the bell of the process that serves this directory, if there is one.

    Raises:
        OSError: it could not be told.
    """
    with _socket() as voice:
        try:
            with _address(directory / SOCKET_NAME) as address:
                voice.sendto(b"\0", address)
        except OSError as error:
            if error.errno not in _NOBODY_LISTENS | _HEARS_ALREADY:
                raise


def _socket() -> socket.socket:
    """Return a datagram socket that never blocks."""
    return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """Yield an address short enough for a socket, however deep the directory lies."""
    if len(os.fsencode(path)) <= _MAX_ADDRESS_BYTES:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
