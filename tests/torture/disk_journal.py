"""What a faulty disk is told and what it writes down: which call fails, and what changed."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

JOURNAL: Final = "journal.jsonl"
CONTENT: Final = "content.bin"


@dataclass(slots=True)
class Plan:
    """Which call fails, and which fsync is a lie.

    Attributes:
        under: directory whose calls are counted.
        kind: of call that fails; none if empty.
        nth: of that kind, from 1.
        lasting: whether all later calls of that kind fail, too.
        lies: patterns of paths whose fsync says yes and does nothing.
        seen: calls by kind.
        hit: path of the first call that failed.
        hit_ns: when that was.
    """

    under: str = "/"
    kind: str = ""
    nth: int = 0
    lasting: bool = False
    lies: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    hit: str = ""
    hit_ns: int = 0

    def count(self, kind: str, path: str) -> bool:
        """Count a call; return whether it is to fail."""
        if not path.startswith(self.under):
            return False
        self.seen[kind] += 1
        n = self.seen[kind]
        failing = kind == self.kind and (n == self.nth or (self.lasting and n > self.nth))
        if failing and not self.hit:
            self.hit, self.hit_ns = path, time.monotonic_ns()
        return failing


class Journal:
    """What changed, in order; content lies in a file beside it."""

    def __init__(self, notes: Path) -> None:
        """Begin empty."""
        self._notes = notes
        self._lock = threading.Lock()
        self._open()

    def note(self, operation: str, *values: object, content: bytes = b"") -> None:
        """Write down one change, with the time at which it was complete."""
        with self._lock:
            line = [time.monotonic_ns(), operation, *values]
            if content:
                line += [self._n_bytes, len(content)]
                self._content.write(content)
                self._n_bytes += len(content)
            self._lines.write(json.dumps(line) + "\n")

    def restart(self) -> None:
        """Forget what was written."""
        with self._lock:
            self._lines.close()
            self._content.close()
            self._open()

    def _open(self) -> None:
        self._lines = (self._notes / JOURNAL).open("w", encoding="utf-8")
        self._content = (self._notes / CONTENT).open("wb")
        self._n_bytes = 0

    def flush(self) -> None:
        """Let others read what was written so far."""
        with self._lock:
            self._lines.flush()
            self._content.flush()
