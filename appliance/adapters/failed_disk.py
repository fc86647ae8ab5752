"""A failed disk concerns every store, whichever met it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from appliance.core.errors import StorageFailed


class FailedDisk:
    """What happens when the disk fails anywhere: every store stops acknowledging."""

    def __init__(self, on_failure: Callable[[StorageFailed], None] | None) -> None:
        """Have nothing to close yet.

        Args:
            on_failure: told once; must neither block nor write.
        """
        self._on_failure = on_failure
        self.stops: tuple[Callable[[], None], ...] = ()
        self._told = False

    def tell(self, failure: StorageFailed) -> None:
        """Close every store and tell the process, once: closing one store tells of it again."""
        if self._told:
            return
        self._told = True
        for stop in self.stops:
            stop()
        logging.getLogger(__name__).critical("storage.failed", extra=dict(failure.details))
        if self._on_failure is not None:
            self._on_failure(failure)
