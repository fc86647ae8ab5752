"""Lines put in order without holding them all: sorted in pieces, then merged."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final, TextIO

from appliance.usecases.whole_directory import file_faults

MAX_HELD: Final = 1024 * 1024
"""Characters held before a piece is put aside."""

MAX_PIECES: Final = 64
"""Put aside before they are made one: each is an open file while they are merged."""


class SortedLines:
    """Blocks of text by their keys, each key once; memory holds `max_held` characters of them."""

    def __init__(self, aside: Path, name: str, *, max_held: int = MAX_HELD) -> None:
        """Begin without any.

        Args:
            aside: a directory for what is put aside.
            name: of the files there.
            max_held: characters in memory.
        """
        self._aside = aside
        self._name = name
        self._max_held = max_held
        self._held: list[tuple[str, str]] = []
        self._n_held = 0
        self._n_put = 0
        self._pieces: list[Path] = []

    def add(self, key: str, block: str) -> None:
        """Add a block under its key. Raises TargetUnwritable, DiskFull."""
        self._held.append((key, block))
        self._n_held += len(key) + len(block)
        if self._n_held >= self._max_held:
            self._put_aside()

    def write_to(self, file: TextIO) -> None:
        """Write all blocks in the order of their keys. Raises TargetUnwritable, DiskFull."""
        with file_faults():
            file.writelines(block for _, block in self._merged())

    def _put_aside(self) -> None:
        """Put what is held aside, together with all that is there once that is many pieces."""
        many = len(self._pieces) == MAX_PIECES
        piece = self._aside / f"{self._name}-{self._n_put}"
        self._n_put += 1
        with file_faults():
            with piece.open("w", encoding="utf-8") as file:
                pairs = self._merged() if many else sorted(self._held)
                file.writelines(f"{json.dumps(pair, ensure_ascii=False)}\n" for pair in pairs)
            for merged in self._pieces if many else ():
                merged.unlink()
        self._pieces = [piece] if many else [*self._pieces, piece]
        self._held.clear()
        self._n_held = 0

    def _merged(self) -> Iterator[tuple[str, str]]:
        """Yield everything there is in order."""
        with ExitStack() as opened:
            files = [opened.enter_context(piece.open(encoding="utf-8")) for piece in self._pieces]
            yield from heapq.merge(sorted(self._held), *map(_read, files))


def _read(piece: TextIO) -> Iterator[tuple[str, str]]:
    for line in piece:
        key, block = json.loads(line)
        yield key, block
