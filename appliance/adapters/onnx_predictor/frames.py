"""What two processes of the box say to each other: a line of JSON, then bytes as it counts them.

No pickle: the other process has run a stranger's graph.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Final, TypeAlias

MAX_HEAD_BYTES: Final = 256 * 1024

Head: TypeAlias = Mapping[str, object]


class FrameBroken(Exception):
    """The other process is gone, or says what cannot be understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One question or answer."""

    head: Head
    pieces: Sequence[bytes] = field(default=())


def send(stream: IO[bytes], frame: Frame) -> None:
    """Write a frame. Raises FrameBroken when nobody reads any more."""
    sizes = [len(piece) for piece in frame.pieces]
    try:
        stream.write(json.dumps({**frame.head, "sizes": sizes}).encode() + b"\n")
        stream.writelines(frame.pieces)
        stream.flush()
    except OSError as error:
        raise FrameBroken from error


def receive(stream: IO[bytes], *, max_bytes: int) -> Frame:
    """Read a frame whose pieces are not over so many bytes. Raises FrameBroken."""
    try:
        head = json.loads(stream.readline(MAX_HEAD_BYTES))
        sizes = head.pop("sizes")
        if sum(sizes) > max_bytes or min(sizes, default=0) < 0:
            raise FrameBroken
        pieces = [stream.read(size) for size in sizes]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise FrameBroken from error
    if [len(piece) for piece in pieces] != sizes:
        raise FrameBroken
    return Frame(head=head, pieces=pieces)
