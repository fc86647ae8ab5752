"""A TCP proxy that lets a request through up to a point, and then pulls the cable."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

_PIECE_BYTES: Final = 4096
_RESET: Final = struct.pack("ii", 1, 0)
_END_OF_HEADERS: Final = b"\r\n\r\n"


class How(Enum):
    """What both sides see: an orderly end, or a reset."""

    FIN = auto()
    RST = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Where a connection ends.

    Attributes:
        fraction: of the body that reaches the box; of 1.0 the answer is what gets lost.
    """

    fraction: float
    how: How


@dataclass
class Proxy:
    """Forwards to one port; each cut is for one connection, in order, and the others pass."""

    to_port: int
    port: int = 0
    cuts: deque[Cut] = field(default_factory=deque)
    n_cut: int = 0

    async def serve(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        """Carry one connection; the end of the proxy ends it."""
        with suppress(asyncio.CancelledError, asyncio.IncompleteReadError, OSError):
            await self._carry_one(client, answers)

    async def _carry_one(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        cut = self.cuts.popleft() if self.cuts else None
        box, requests = await asyncio.open_connection("127.0.0.1", self.to_port)
        try:
            if cut is None:
                await asyncio.gather(_carry(client, requests), _carry(box, answers))
                return
            await _carry_until(cut.fraction, client, requests)
            if cut.fraction >= 1.0:
                await box.read(1)
            self.n_cut += 1
            for writer in (requests, answers):
                _end(writer, cut.how)
        finally:
            for writer in (requests, answers):
                with suppress(OSError):
                    writer.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(_PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
        writer.write_eof()


async def _carry_until(
    fraction: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Forward the headers and so much of the body."""
    head = await reader.readuntil(_END_OF_HEADERS)
    lines = head.decode("latin-1").lower().split("\r\n")
    lengths = [line.partition(":")[2] for line in lines if line.startswith("content-length:")]
    left = int(fraction * int(lengths[0])) if lengths else 0
    writer.write(head)
    while left:
        piece = await reader.read(min(left, _PIECE_BYTES))
        writer.write(piece)
        await writer.drain()
        left -= len(piece)


def _end(writer: asyncio.StreamWriter, how: How) -> None:
    if how is How.RST:
        handle: socket.socket = writer.get_extra_info("socket")
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()
    else:
        writer.close()


@contextmanager
def proxy_to(port: int) -> Iterator[Proxy]:
    """Run a proxy before a port of this machine, in a thread of its own."""
    proxy, loop, ready = Proxy(to_port=port), asyncio.new_event_loop(), threading.Event()

    async def run() -> None:
        server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
        proxy.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await server.serve_forever()

    def live() -> None:
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(run())
        if left := asyncio.all_tasks(loop):
            loop.run_until_complete(asyncio.wait(left))

    def stop() -> None:
        for task in asyncio.all_tasks(loop):
            task.cancel()

    thread = threading.Thread(target=live, daemon=True)
    thread.start()
    assert ready.wait(10.0)
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(stop)
        thread.join(10.0)
        loop.close()
