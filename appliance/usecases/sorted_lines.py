"""Lines put in order without holding them all: sorted in pieces, then merged."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, TextIO

from appliance.usecases.whole_directory import file_faults

MAX_HELD: Final = 1024 * 1024
"""Characters held before a piece is put aside."""

MAX_PIECES: Final = 64
"""Of about one size: so many are made one, so that few files are open while they are merged."""


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
        self._levels: list[list[Path]] = []

    def add(self, key: str, block: str) -> None:
        """Add a block under its key. Raises TargetUnwritable, DiskFull."""
        self._held.append((key, block))
        self._n_held += len(key) + len(block)
        if self._n_held >= self._max_held:
            self._put_aside()

    def write_to(self, file: TextIO) -> None:
        """Write all blocks in the order of their keys. Raises TargetUnwritable, DiskFull."""
        pieces = (piece for level in self._levels for piece in level)
        with file_faults(), _opened(pieces) as pairs:
            file.writelines(block for _, block in heapq.merge(sorted(self._held), pairs))

    def _put_aside(self) -> None:
        """Put what is held aside; so many pieces of a level become one of the next."""
        piece = self._write(iter(sorted(self._held)))
        self._held.clear()
        self._n_held = 0
        for level in self._levels:
            level.append(piece)
            if len(level) < MAX_PIECES:
                return
            with file_faults():
                with _opened(level) as pairs:
                    piece = self._write(pairs)
                for merged in level:
                    merged.unlink()
            level.clear()
        self._levels.append([piece])

    def _write(self, pairs: Iterator[tuple[str, str]]) -> Path:
        piece = self._aside / f"{self._name}-{self._n_put}"
        self._n_put += 1
        with file_faults(), piece.open("w", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(pair, ensure_ascii=False)}\n" for pair in pairs)
        return piece


@contextmanager
def _opened(pieces: Iterable[Path]) -> Iterator[Iterator[tuple[str, str]]]:
    """Give the pairs of all pieces in order."""
    with ExitStack() as opened:
        files = [opened.enter_context(piece.open(encoding="utf-8")) for piece in pieces]
        yield heapq.merge(*map(_read, files))


def _read(piece: TextIO) -> Iterator[tuple[str, str]]:
    for line in piece:
        key, block = json.loads(line)
        yield key, block
