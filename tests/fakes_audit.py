"""The audit chain in memory: what every fake of records writes under."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC

from appliance.core.audit import GENESIS, AuditEntry, AuditLine, AuditRow, line_of, row_hash
from appliance.core.errors import (
    ApplianceError,
)


class FakeAudit:
    """The chain in memory; also the lock every other fake writes under."""

    def __init__(self) -> None:
        """Begin with an empty chain and a disk that works."""
        self.stored: list[AuditRow] = []
        self.fault: ApplianceError | None = None
        self.lock = threading.RLock()

    @contextmanager
    def write(self, audit: AuditEntry | None) -> Iterator[None]:
        """Hold the lock; append the row unless the block raised.

        `fault` is raised before anything happens: a disk that is full or has failed.
        """
        with self.lock:
            if self.fault is not None:
                raise self.fault
            yield
            if audit is not None:
                self._append(audit)

    def append(self, entry: AuditEntry) -> AuditRow:
        """See the port."""
        with self.write(entry):
            pass
        return self.stored[-1]

    def rows(self, *, after: int = 0) -> Iterator[AuditRow]:
        """See the port."""
        yield from self.stored[after:]

    def lines(self) -> Iterator[AuditLine]:
        """See the port."""
        yield from map(line_of, self.stored)

    def noted_head(self) -> tuple[int, str]:
        """See the port."""
        return self.head()

    def unaudited(self) -> Iterator[tuple[str, str]]:
        """See the port; the fake keeps nothing it would forget to audit."""
        yield from ()

    def head(self) -> tuple[int, str]:
        """See the port."""
        return (self.stored[-1].seq, self.stored[-1].hash) if self.stored else (0, GENESIS)

    def _append(self, entry: AuditEntry) -> None:
        number, previous = self.head()
        entry = replace(entry, at=entry.at.astimezone(UTC))
        digest = row_hash(number + 1, entry, previous)
        self.stored.append(AuditRow(seq=number + 1, entry=entry, previous=previous, hash=digest))
