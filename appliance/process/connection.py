"""One connection: whoever is slow, silent or too many is let go, so that others get in.

Uvicorn sets no deadline but the one of an idle connection, and httptools keeps a header
whatever its size.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from enum import Enum, auto
from ipaddress import ip_address
from typing import Any, Final

from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from appliance.core.errors import (
    ApplianceError,
    HeadersTooLarge,
    MalformedRequest,
    Overloaded,
)
from appliance.process.refusals import answer_bytes, overloaded

N_CONNECTIONS_MAX: Final = 256
"""A ward has tens of tablets, each with a few connections; memory for all is below 100 MB."""

_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a connection may take of time and room.

    Attributes:
        n_connections: at once; beyond, the one that waits longest without a request goes.
        n_an_address: of them from one address other than the box itself, so that no single
            machine takes all of them. A proxy in front runs on the box.
        headers_s: from the first byte (of a new connection: from its beginning) to the end of
            the headers. A tablet sends them in one packet.
        silence_s: a body or an answer that does not move for so long is given up. Wi-Fi that
            roams between access points comes back within seconds.
        least_rate: bytes a second of a body on the average: below, 24 MiB
            would take half a day, and what is a day old is swept.
        linger_s: a client that is still sending gets so long to read why it is refused.
        headers_bytes: of the request line and headers; the longest token is below 2 KiB.
    """

    n_connections: int = N_CONNECTIONS_MAX
    n_an_address: int = N_CONNECTIONS_MAX // 2
    headers_s: float = 10.0
    silence_s: float = 30.0
    least_rate: float = 512.0
    linger_s: float = 2.0
    headers_bytes: int = 64 * 1024


class _Phase(Enum):
    """What the client sends now."""

    IDLE = auto()
    HEADERS = auto()
    BODY = auto()
    REFUSED = auto()


class Connection(HttpToolsProtocol):
    """Uvicorn's connection with deadlines, and answers in the words of the API."""

    def __init__(self, *args: Any, limits: Limits, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's
        """Wait for the client."""
        super().__init__(*args, **kwargs)
        self._limits = limits
        self._phase = _Phase.HEADERS
        self._since_s = self.loop.time()
        self._refusal: ApplianceError = MalformedRequest()
        self._moved = False
        self._n_waiting_bytes = 0
        self._n_body_bytes = 0
        self._last_byte_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let the client in, or tell it that there is no room."""
        super().connection_made(transport)
        handle = transport.get_extra_info("socket")
        if handle is not None:
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            # asyncio does this only for sockets made with a protocol number, which ours are not.
            # Without it a body waits 40 ms for the client's delayed acknowledgement of the headers.
            handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._enter(_Phase.HEADERS, self._limits.headers_s)
        if self._is_one_too_many() or not self._has_room():
            self._refuse(Overloaded())

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget every deadline."""
        for timer in (self._timer, self._write_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, received: bytes) -> None:
        """Take bytes; those that neither end the headers nor are a body are counted."""
        if self._phase is _Phase.REFUSED:
            return
        self._moved = False
        self._last_byte_s = self.loop.time()
        super().data_received(received)
        if self._moved:
            self._n_waiting_bytes = 0
        else:
            self._n_waiting_bytes += len(received)
            if self._phase is _Phase.IDLE:  # empty lines before a request
                self._enter(_Phase.HEADERS, self._limits.headers_s)
        if self._n_waiting_bytes > self._limits.headers_bytes and not self._is_ending:
            self._refuse(HeadersTooLarge(max_bytes=self._limits.headers_bytes))

    def on_message_begin(self) -> None:
        """Expect headers within their time; a new connection is waited for already."""
        super().on_message_begin()
        if self._phase is not _Phase.HEADERS:
            self._enter(_Phase.HEADERS, self._limits.headers_s)

    def on_headers_complete(self) -> None:
        """Hand the request over, and expect its body to move."""
        n_bytes = len(self.url) + sum(len(name) + len(text) + 4 for name, text in self.headers)
        if n_bytes > self._limits.headers_bytes:
            self._refusal = HeadersTooLarge(max_bytes=self._limits.headers_bytes)
            raise self._refusal  # ends the parser, which ends in `send_400_response`
        self._moved = True
        self._n_body_bytes = 0
        self._enter(_Phase.BODY, self._limits.silence_s)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hand over a piece of the body."""
        self._moved = True
        self._n_body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Owe nothing any more: the next request may come when it comes."""
        self._moved = True
        self._enter(_Phase.IDLE, None)
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser refused as every other error is answered."""
        del msg
        self._refuse(self._refusal)

    def pause_writing(self) -> None:
        """Watch whether the client reads its answer."""
        super().pause_writing()
        self._watch_writing(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """Stop watching."""
        if self._write_timer is not None:
            self._write_timer.cancel()
        super().resume_writing()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:  # noqa: ANN401 - uvicorn's
        super()._start_asgi_task(cycle, overloaded if app is service_unavailable else app)

    @property
    def _is_ending(self) -> bool:
        return self._phase is _Phase.REFUSED or self.transport.is_closing()

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _enter(self, phase: _Phase, timeout_s: float | None) -> None:
        """Begin a phase, and end the connection if it lasts too long."""
        self._phase = phase
        self._since_s = self._last_byte_s = self.loop.time()
        if self._timer is not None:
            self._timer.cancel()
        act = self._look_at_body if phase is _Phase.BODY else self._let_go
        self._timer = None if timeout_s is None else self.loop.call_later(timeout_s, act)

    def _let_go(self) -> None:
        """End the connection; an application that still reads sees that the client left."""
        self.transport.abort()

    def _reset(self) -> None:
        """End the connection and drop what the kernel still holds for a client that reads nothing.

        Merely closed, it would go on offering megabytes of a recording for minutes.
        """
        handle = self.transport.get_extra_info("socket")
        if handle is not None:
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._let_go()

    def _look_at_body(self) -> None:
        """End a body that stands still or crawls, unless the application is what is slow."""
        now_s = self.loop.time()
        if self.flow.read_paused:
            self._since_s = self._last_byte_s = now_s
            self._n_body_bytes = 0
        silent_s = now_s - self._last_byte_s
        least_bytes = self._limits.least_rate * (now_s - self._since_s)
        if silent_s >= self._limits.silence_s or self._n_body_bytes < least_bytes:
            self._let_go()
            return
        self._timer = self.loop.call_later(self._limits.silence_s - silent_s, self._look_at_body)

    def _watch_writing(self, n_left: int) -> None:
        self._write_timer = self.loop.call_later(
            self._limits.silence_s, self._look_at_writing, n_left
        )

    def _look_at_writing(self, n_before: int) -> None:
        """End an answer of which nothing was read since the last look."""
        n_left = self.transport.get_write_buffer_size()
        if n_left >= n_before:
            self._reset()
        else:
            self._watch_writing(n_left)

    def _refuse(self, error: ApplianceError) -> None:
        """Say why, and end; nothing can be said in the midst of another answer."""
        if self._is_answering:
            self._let_go()
            return
        self._enter(_Phase.REFUSED, self._limits.linger_s)
        self.transport.write(answer_bytes(error, self.server_state.default_headers))
        # Closed at once with bytes unread, TCP would reset, and the answer might be lost.
        self.transport.write_eof()

    def _is_one_too_many(self) -> bool:
        """Return whether this address has its share already."""
        if self.client is None or ip_address(self.client[0].partition("%")[0]).is_loopback:
            return False
        of_address = sum(
            isinstance(other, Connection)
            and other.client is not None
            and other.client[0] == self.client[0]
            for other in self.connections
        )
        return of_address > self._limits.n_an_address

    def _has_room(self) -> bool:
        """Return whether there is room, if need be by letting go whoever waits longest."""
        if len(self.connections) <= self._limits.n_connections:
            return True
        waiting = [
            other
            for other in self.connections
            if isinstance(other, Connection) and other is not self and other.is_spare
        ]
        if not waiting:
            return False
        min(waiting, key=lambda other: other.since_s).transport.abort()
        return True

    @property
    def is_spare(self) -> bool:
        """Whether no request is under way on it, and it is not ending anyway."""
        busy = self._phase is _Phase.BODY or self._is_answering
        return not busy and not self.transport.is_closing()

    @property
    def since_s(self) -> float:
        """When its phase began, on the clock of the loop."""
        return self._since_s
