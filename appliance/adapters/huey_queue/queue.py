"""Huey as the one who wakes: consumer threads in the serving process, datagrams to it."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from huey.api import Huey
from huey.consumer import Consumer

from appliance.adapters.huey_queue.bell import WAIT_AT_MOST_S, Bell, Ear, ring_elsewhere
from appliance.adapters.huey_queue.storage import IdSerializer, WakingStorage
from appliance.core.ids import ResultId

FILE_NAME: Final = "huey.db"
HEALTH_EVERY_S: Final = 10.0

_log = logging.getLogger(__name__)


class _QuietConsumer(Consumer):  # type: ignore[misc]
    """Huey's threads without its signal handlers: the process's signals are the server's."""

    def _set_signal_handlers(self) -> None:
        """Leave SIGINT, SIGTERM and SIGHUP as they are."""


class HueyQueue:
    """Wakes workers in this process and in the one that serves the same directory.

    It may lose, repeat and reorder ids: `records.db` knows what is to be done, and `reconcile`
    asks it every minute. `huey.db` may be deleted while nobody serves.
    """

    def __init__(self, directory: Path, *, wait_at_most_s: float = WAIT_AT_MOST_S) -> None:
        """Remember where the queue lives; nothing is opened yet.

        Args:
            directory: the data directory, for `huey.db` and `huey.sock`.
            wait_at_most_s: what a ring that was lost on its way costs at most.
        """
        self._directory = directory
        self._bell = Bell(wait_at_most_s=wait_at_most_s)
        self._huey = Huey(
            "spira",
            results=False,
            serializer=IdSerializer(),
            storage_class=WakingStorage,
            path=directory / FILE_NAME,
            bell=self._bell,
        )
        self._storage: WakingStorage = self._huey.storage
        self._task = self._huey.task(name="look-at")(self._look_at)
        registry = self._huey._registry  # noqa: SLF001 - Huey has no public way to a task's name
        self._huey.serializer.task_name = registry.task_to_string(self._task.task_class)
        self._work: Callable[[ResultId], object] | None = None
        self._consumer: _QuietConsumer | None = None
        self._ear: Ear | None = None

    def wake(self, result_id: ResultId) -> None:
        """Tell a worker, in this process or another, to look at this result. Never raises."""
        task = self._task.s(result_id)
        try:
            if not self._storage.usable:
                self._storage.open_file(replace=False)
            self._huey.enqueue(task)
        except (sqlite3.Error, OSError) as error:
            _log.warning("queue-not-written", extra={"result_id": result_id, **_named(error)})
            self._storage.enqueue_in_memory(self._huey.serialize_task(task))
        if self._consumer is None:
            self._ring_elsewhere(result_id)

    def start(self, work: Callable[[ResultId], object], n_workers: int) -> None:
        """Start threads that call `work` for ids as they come; a damaged file is made anew.

        Only one process may do so at a time for one directory.

        Args:
            work: what to do with an id; called from any of the threads, must not raise.
            n_workers: how many threads.
        """
        self._work = work
        try:
            self._storage.open_file(replace=True)
        except (sqlite3.Error, OSError) as error:
            # Ids of this process are handed over in memory; the others wait for the minute.
            _log.error("queue-not-opened", extra=_named(error))
        self._consumer = _QuietConsumer(
            self._huey,
            workers=n_workers,
            periodic=False,
            initial_delay=0.1,
            max_delay=1.0,
            scheduler_interval=60,
        )
        self._consumer.start()
        self._ear = Ear(
            self._directory,
            on_ring=self._bell.ring,
            every_s=HEALTH_EVERY_S,
            look_after=self._consumer.check_worker_health,
        )

    def stop(self, timeout_s: float) -> bool:
        """Let each thread finish the id it has, and end them all.

        Returns:
            Whether all ended in time; those that did not end with the process.
        """
        if self._consumer is None or self._ear is None:
            self._storage.close()
            return True
        consumer, self._consumer = self._consumer, None
        self._ear.close()
        consumer.stop_flag.set()
        self._bell.ring()
        consumer.shutdown_timeout = timeout_s
        consumer.stop(graceful=True)
        ended = not any(thread.is_alive() for _, thread in consumer.worker_threads)
        if ended:
            self._storage.close()
        self._storage.usable = False
        return ended

    def _look_at(self, result_id: str) -> None:
        if self._work is not None:
            self._work(ResultId(result_id))

    def _ring_elsewhere(self, result_id: ResultId) -> None:
        try:
            ring_elsewhere(self._directory)
        except OSError as error:
            _log.warning("queue-not-rung", extra={"result_id": result_id, **_named(error)})


def _named(error: sqlite3.Error | OSError) -> dict[str, str]:
    """Return the error's own code; its text may hold a path."""
    return {
        "error": type(error).__name__,
        "error_code": str(getattr(error, "sqlite_errorname", None) or getattr(error, "errno", "")),
    }
