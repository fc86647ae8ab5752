"""Waiting for one's turn without holding a thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from appliance.core.errors import TooManyAttempts

RETRY_AFTER_S = 2


class Turns:
    """Lets so many in at once and so many wait; belongs to one event loop.

    Hashing a password takes a thread for a long time. Were the waiting done in threads, a
    handful of sign-ins could take all of them from recordings and results.
    """

    def __init__(self, *, n_at_once: int, n_waiting: int, n_kept: int) -> None:
        """Let people in, of whom some are known and others may be guessing.

        Args:
            n_at_once: so many at once; strangers never hold the last one.
            n_waiting: so many wait for them.
            n_kept: places, inside and waiting, that strangers leave to the known.
        """
        self._slots = asyncio.Semaphore(n_at_once)
        self._strangers = asyncio.Semaphore(max(1, n_at_once - 1))
        self._n_free = n_at_once + n_waiting
        self._n_kept = n_kept

    @asynccontextmanager
    async def turn(self, *, known: bool) -> AsyncIterator[None]:
        """Wait for a turn and hold it. Raises TooManyAttempts if too many wait already."""
        if self._n_free <= (0 if known else self._n_kept):
            raise TooManyAttempts(retry_after_s=RETRY_AFTER_S)
        self._n_free -= 1
        try:
            async with nullcontext() if known else self._strangers, self._slots:
                yield
        finally:
            self._n_free += 1
