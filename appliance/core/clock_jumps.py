"""How far the wall clock was set forward while a process ran."""

from __future__ import annotations

from datetime import datetime


class ClockJumps:
    """Compares the wall clock with one that nobody can set; not thread-safe.

    What bears an instant of the wall clock looks older than it is once the clock was set
    forward: a box whose battery is empty begins in 1970 and is set right by a person, and what
    came in before that looks half a century old in a moment.
    """

    def __init__(self, *, now: datetime, ticks_s: float) -> None:
        """Begin with the clock as it is: what is older is of another process."""
        self._apart_s = self._least_apart_s = self._apart(now, ticks_s)

    def look(self, *, now: datetime, ticks_s: float) -> None:
        """Compare the clocks; to be called often, for a jump between two looks is one jump."""
        self._apart_s = self._apart(now, ticks_s)
        self._least_apart_s = min(self._least_apart_s, self._apart_s)

    @property
    def forward_s(self) -> float:
        """How much older than it is something may look, seconds: 0.0 unless the clock was set."""
        return self._apart_s - self._least_apart_s

    @staticmethod
    def _apart(now: datetime, ticks_s: float) -> float:
        return now.timestamp() - ticks_s
