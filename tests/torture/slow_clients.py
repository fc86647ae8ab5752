"""Clients that take a place and give nothing: each kind of slow there is."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Slow = Callable[["Attack", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

SMALL_BUFFER_BYTES: Final = 4096
HEADER_S: Final = 1.0
BODY_S: Final = 3.0


@dataclass
class Attack:
    """What slow clients know of the box, and when each of them was let go.

    Attributes:
        wav: the address of a big recording of the nurse's.
        held_s: how long the box put up with each, by kind; what it never let go is not here.
    """

    port: int
    token: str
    home: str
    wav: str
    held_s: dict[str, list[float]] = field(default_factory=dict)
    n_open: int = 0

    async def one(self, kind: str, address: str) -> None:
        """Take a place, and be as slow as one can until the box lets go."""
        handle = socket.socket()
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
        handle.setblocking(False)  # noqa: FBT003 - the socket's own way
        handle.bind((address, 0))
        await asyncio.get_running_loop().sock_connect(handle, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=handle, limit=1024)
        began_s, self.n_open = time.monotonic(), self.n_open + 1
        try:
            with suppress(OSError):
                await KINDS[kind](self, reader, writer)
            self.held_s.setdefault(kind, []).append(time.monotonic() - began_s)
        finally:
            self.n_open -= 1
            writer.transport.abort()

    def head(self, method: str, path: str, *lines: str) -> bytes:
        """Return the head of a request of the nurse's."""
        told = (
            f"{method} {path} HTTP/1.1",
            "Host: localhost",
            f"Authorization: Bearer {self.token}",
        )
        return "\r\n".join((*told, *lines, "", "")).encode()


async def _until_let_go(reader: asyncio.StreamReader) -> None:
    while await reader.read(1024):
        pass


async def _drip(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, piece: bytes, every_s: float
) -> None:
    """Send a piece now and then until the box lets go."""
    gone = asyncio.create_task(_until_let_go(reader))
    while not gone.done():
        writer.write(piece)
        await writer.drain()
        await asyncio.wait((gone,), timeout=every_s)
    await gone


async def _silent(
    _attack: Attack, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter
) -> None:
    await _until_let_go(reader)


async def _header(
    _attack: Attack, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
    await _drip(reader, writer, b"a", HEADER_S)


async def _body(attack: Attack, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    path = f"{attack.home}/recordings/00000000-0000-4000-8000-000000000000?role=aceite"
    digest = f"Content-Digest: sha-256=:{'A' * 43}=:"
    writer.write(
        attack.head("PUT", path, "Content-Length: 100000", "Content-Type: audio/wav", digest)
    )
    await _drip(reader, writer, b"R", BODY_S)


async def _chunks(
    attack: Attack, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    path = f"{attack.home}/inferences/00000000-0000-4000-8000-000000000000"
    chunked = ("Transfer-Encoding: chunked", "Content-Type: application/json")
    writer.write(attack.head("PUT", path, *chunked))
    await _drip(reader, writer, b"1\r\n[\r\n", BODY_S)


async def _reading(
    attack: Attack, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Ask for much and read nothing; that the box let go shows when the rest never comes."""
    writer.write(attack.head("GET", attack.wav))
    await reader.read(64)
    while not _is_reset(writer):  # noqa: ASYNC110 - who reads nothing is told nothing
        await asyncio.sleep(0.2)


async def _half_closed(
    _attack: Attack, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(b"GET /health/live HTTP/1.1\r\nHost: loc")
    writer.write_eof()
    await _until_let_go(reader)


def _is_reset(writer: asyncio.StreamWriter) -> bool:
    """Return whether the kernel says that the other side is gone, without reading."""
    handle: socket.socket = writer.get_extra_info("socket")
    state: int = handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return state != 1  # TCP_ESTABLISHED


KINDS: Final[Mapping[str, Slow]] = {
    "silent": _silent,
    "header": _header,
    "body": _body,
    "chunks": _chunks,
    "reading": _reading,
    "half-closed": _half_closed,
}


@dataclass
class Crowd:
    """Slow clients in a thread of their own."""

    attack: Attack
    thread: threading.Thread
    faults: list[BaseException] = field(default_factory=list)

    @classmethod
    def gather(cls, attack: Attack, members: list[tuple[str, str]]) -> Crowd:
        """Let each (kind, address) take a place."""
        crowd = cls(attack=attack, thread=threading.Thread(daemon=True))

        async def run() -> None:
            ended = await asyncio.gather(
                *(attack.one(kind, address) for kind, address in members), return_exceptions=True
            )
            crowd.faults = [end for end in ended if isinstance(end, BaseException)]

        crowd.thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
        crowd.thread.start()
        return crowd

    def is_over(self) -> bool:
        """Return whether the box let go of all."""
        return not self.thread.is_alive()
