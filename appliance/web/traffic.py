"""How many answers of which kind this process gave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping


class Traffic:
    """Counts of answers by status; touched by the event loop alone."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self._n_answers: Counter[int] = Counter()

    def count(self, status: int) -> None:
        """Count one answer."""
        self._n_answers[status] += 1

    def by_status(self) -> Mapping[int, int]:
        """Return the counts so far."""
        return dict(sorted(self._n_answers.items()))
