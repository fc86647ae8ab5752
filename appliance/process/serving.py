"""Sockets, signals, and the life of uvicorn's server."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from types import FrameType
from typing import Any, Final

import uvicorn

from appliance.core.errors import (
    AddressUnavailable,
    ApplianceError,
    StorageFailed,
)
from appliance.process.connection import Connection, Limits
from appliance.process.descriptors import allow_descriptors

Asgi = Callable[[Any, Any, Any], Any]
"""An ASGI 3 application."""

INTERRUPTED: Final = 130
_FIRST_ACTIVATED_FD: Final = 3  # SD_LISTEN_FDS_START, sd_listen_fds(3)

_log = logging.getLogger(__name__)


def listening_sockets(
    host: str, port: int, *, environment: Mapping[str, str], pid: int
) -> list[socket.socket]:
    """Return the sockets systemd hands over, else one that listens on host and port.

    Raises:
        AddressUnavailable: the address is taken, privileged, or not this machine's.
    """
    if environment.get("LISTEN_PID") == str(pid):
        n_given = int(environment.get("LISTEN_FDS", "0"))
        return [socket.socket(fileno=_FIRST_ACTIVATED_FD + n) for n in range(n_given)]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return [socket.create_server((host, port), family=family)]
    except OSError as error:
        code = errno.errorcode.get(error.errno or 0, "unknown")
        raise AddressUnavailable(host=host, port=port, errno=code) from error


def serve(
    app: Asgi,
    *,
    sockets: Sequence[socket.socket],
    shutdown_s: int,
    storage_failed: threading.Event,
    notify: Callable[[str], None],
    watchdog_s: float | None = None,
    limits: Limits | None = None,
    on_stopping: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGTERM or SIGINT, and return after an orderly stop.

    A second SIGINT leaves at once: what was acknowledged is on disk already.

    Args:
        app: an ASGI application; its lifespan begins before the first request and ends after
            the last.
        sockets: that listen already; closed on return.
        shutdown_s: how long an orderly stop waits for requests under way.
        storage_failed: once set, the process stops.
        notify: tells systemd.
        watchdog_s: systemd wants to hear something this often at least.
        limits: of each connection.
        on_stopping: ends the answers that have no end of their own, before they are waited for.

    Raises:
        StorageFailed: the disk failed; the process has to leave and be started anew.
        ApplianceError: what the lifespan raised at its start.
    """
    limits = limits or Limits()
    allow_descriptors(limits.n_connections)
    watched = _Watched(app)
    config = _config(
        watched, shutdown_s=shutdown_s, watchdog_s=watchdog_s, notify=notify, limits=limits
    )
    try:
        _Server(config, storage_failed=storage_failed, notify=notify, on_stopping=on_stopping).run(
            list(sockets)
        )
    except SystemExit:
        # Uvicorn's way to say that the lifespan did not start.
        raise watched.fault or RuntimeError("The application did not start.") from None
    finally:
        for listening in sockets:
            listening.close()
    if storage_failed.is_set():
        raise StorageFailed
    if watched.fault is not None:
        raise watched.fault


def _config(
    app: Asgi,
    *,
    shutdown_s: int,
    watchdog_s: float | None,
    notify: Callable[[str], None],
    limits: Limits,
) -> uvicorn.Config:
    async def alive() -> None:
        notify("WATCHDOG=1")

    return uvicorn.Config(
        app,
        loop="asyncio",
        http=partial(Connection, limits=limits),  # type: ignore[arg-type]  # called, no more
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        workers=1,
        # Of requests: connections beyond the limit never get so far.
        limit_concurrency=limits.n_connections + 1,
        timeout_graceful_shutdown=shutdown_s,
        callback_notify=alive if watchdog_s else None,
        timeout_notify=max(1, int((watchdog_s or 2) / 2)),
    )


class _Watched:
    """An application whose lifespan's fault is remembered: uvicorn would only log it."""

    def __init__(self, app: Asgi) -> None:
        self._app = app
        self.fault: ApplianceError | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        try:
            await self._app(scope, receive, send)
        except (ApplianceError, BaseExceptionGroup) as error:
            if scope["type"] == "lifespan":
                self.fault = _expected(error)
            raise


def _expected(error: BaseException) -> ApplianceError | None:
    """Return the error of ours that it is or holds: a framework raises them in groups."""
    if isinstance(error, BaseExceptionGroup):
        found = map(_expected, error.exceptions)
        return next((one for one in found if one is not None), None)
    return error if isinstance(error, ApplianceError) else None


class _Server(uvicorn.Server):
    """Uvicorn that leaves when the disk failed, tells systemd, and exits with 0 after a stop."""

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        storage_failed: threading.Event,
        notify: Callable[[str], None],
        on_stopping: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._on_stopping = on_stopping
        self._storage_failed = storage_failed
        self._notify = notify

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say that requests are taken."""
        await super().startup(sockets)
        for listening in sockets or []:
            _log.info("serving", extra=_named(listening))
        self._notify("READY=1")

    async def on_tick(self, counter: int) -> bool:
        """Stop soon after a failed disk."""
        if self._storage_failed.is_set():
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say that no more requests are taken."""
        _log.info("stopping")
        self._notify("STOPPING=1")
        self._on_stopping()
        await super().shutdown(sockets)
        _log.info("stopped")

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take SIGTERM and SIGINT while serving; uvicorn would raise them again afterwards."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        taken = (signal.SIGTERM, signal.SIGINT)
        before = {number: signal.signal(number, self.handle_exit) for number in taken}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop in order; on a second Ctrl-C leave at once."""
        if self.should_exit and sig == signal.SIGINT:
            os._exit(INTERRUPTED)
        super().handle_exit(sig, frame)


def _named(listening: socket.socket) -> dict[str, str | int]:
    """Return where a socket listens."""
    name = listening.getsockname()
    return {"host": name[0], "port": name[1]} if isinstance(name, tuple) else {"path": str(name)}
