"""Waiting for one's turn without holding a thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from appliance.core.errors import TooManyAttempts

RETRY_AFTER_S = 2


class Turns:
    """Lets so many in at once and so many wait; belongs to one event loop.

    Hashing a password takes a thread for a long time. Were the waiting done in threads, a
    handful of sign-ins could take all of them from recordings and results.
    """

    def __init__(self, *, n_at_once: int, n_waiting: int) -> None:
        """Let `n_at_once` in, and `n_waiting` wait for them."""
        self._slots = asyncio.Semaphore(n_at_once)
        self._n_free = n_at_once + n_waiting

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn and hold it. Raises TooManyAttempts if too many wait already."""
        if self._n_free == 0:
            raise TooManyAttempts(retry_after_s=RETRY_AFTER_S)
        self._n_free -= 1
        try:
            async with self._slots:
                yield
        finally:
            self._n_free += 1
