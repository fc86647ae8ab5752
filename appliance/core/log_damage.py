"""What a damaged write-ahead log takes with it."""

from __future__ import annotations

from enum import StrEnum


class LogDamage(StrEnum):
    """Whether acknowledged work is surely lost, or only the last write, which may never have been.

    Attributes:
        LOST: transactions that were acknowledged would be dropped.
        POSSIBLE: the last transaction would be: torn by a power cut, or damaged since.
    """

    LOST = "lost"
    POSSIBLE = "possible"
