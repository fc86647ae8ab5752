"""The whole box in one process: the web application, the workers, and their order of life."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from typing import Final

from litestar import Litestar

from appliance.bootstrap import Appliance
from appliance.core.clock_jumps import ClockJumps
from appliance.core.errors import ApplianceError, DiskFull
from appliance.night import NightlyCanary
from appliance.usecases.housekeeping import sweep
from appliance.usecases.models import load_active, unload_unneeded
from appliance.usecases.reconcile import reconcile
from appliance.web.application import create_web
from appliance.web.docs import openapi_document
from appliance.web.health import Readiness
from appliance.web.news import News
from appliance.web.sealed import take_in
from appliance.web.tablet_app import built_app
from appliance.worker import Worker

__all__ = ["News", "create_app", "openapi_document", "take_in"]

N_THREADS: Final = 16
"""For blocking calls of requests: most wait for the disk or for the one writer."""

SWEEP_EVERY_S: Final = 3_600.0
BEGIN_AGAIN_S: Final = 2.0
CANARY_ENDS_WITHIN_S: Final = 2.0
"""A stop waits so long for the canary, after everything that matters was given back."""
"""A disk that was too full to begin on is tried again after so long."""

_log = logging.getLogger(__name__)


def create_app(
    appliance: Appliance,
    *,
    storage_failed: threading.Event | None = None,
    news: News | None = None,
) -> Litestar:
    """Return the application; its lifespan starts the workers and stops them in order.

    Args:
        appliance: every port, filled; to be closed after the lifespan has ended.
        storage_failed: set by whoever meets a failed disk; then the box is not ready.
        news: closed by whoever stops the box, so that event streams end before it waits for them.
    """
    readiness, news = Readiness(storage_failed), news or News()

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        threads = ThreadPoolExecutor(N_THREADS, thread_name_prefix="web")
        asyncio.get_running_loop().set_default_executor(threads)
        news.listen(asyncio.get_running_loop())
        worker = Worker(
            appliance.scoring(),
            queue=appliance.queue,
            n_workers=appliance.settings.n_workers,
            on_answer=news.ring,
        )
        with suppress(DiskFull):  # logged; the box signs in and reads, and begins when it can
            await asyncio.to_thread(_begin, appliance, worker, readiness)
        canary = NightlyCanary(appliance)
        minutes = asyncio.create_task(_every_minute(appliance, worker, readiness, canary))
        try:
            yield
        finally:
            minutes.cancel()
            try:
                await asyncio.wait((minutes,))  # raises nothing of theirs
            finally:
                canary.stop()
                await asyncio.to_thread(_end, appliance, worker)
                await asyncio.to_thread(canary.wait, CANARY_ENDS_WITHIN_S)

    assets = built_app(offline=appliance.settings.offline_app)
    return create_web(appliance, readiness=readiness, news=news, assets=assets, lifespan=[lifespan])


def _begin(appliance: Appliance, worker: Worker, readiness: Readiness) -> None:
    """Put right what a crash left, then let the workers begin.

    In this order: a claim of this boot must not be taken for one that a crash left behind.

    Raises:
        DiskFull: not even that can be written; nothing has begun.
    """
    try:
        n_waiting = _reconcile(appliance, starting=True)
    except DiskFull as fault:
        _log.warning("not-begun", extra={"code": fault.code})
        raise
    appliance.queue.start(worker.work, appliance.settings.n_workers)
    readiness.begun.set()
    _log.info("box-started", extra={"n_waiting": n_waiting})


def _end(appliance: Appliance, worker: Worker) -> None:
    """Let running jobs end, then give back what did not: an orderly stop is no attempt."""
    worker.stop()
    ended = appliance.queue.stop(float(appliance.settings.shutdown_s))
    try:
        n_released = appliance.jobs.release(owner=appliance.owner)
    except ApplianceError as error:
        # Their leases run out, and the next start reconciles.
        _log.warning("claims-not-released", extra={"code": error.code})
        return
    _log.info("workers-stopped", extra={"in_time": ended, "n_released": n_released})


async def _every_minute(
    appliance: Appliance, worker: Worker, readiness: Readiness, canary: NightlyCanary
) -> None:
    """Keep loaded what serves, bring back what the queue forgot, sweep, and hold ballast.

    Versions are switched by other processes, too: this one finds out here. The first sweep waits
    until requests are taken: what it removes is a day old and nobody's.
    """
    ticks = asyncio.get_running_loop().time
    sweep_at_s = ticks()
    jumps = ClockJumps(now=appliance.clock(), ticks_s=appliance.ticks())
    while True:
        await _tried("models-not-loaded", lambda: _load_models(appliance, readiness))
        jumps.look(now=appliance.clock(), ticks_s=appliance.ticks())
        if ticks() >= sweep_at_s:
            sweep_at_s = ticks() + SWEEP_EVERY_S
            await _tried("not-swept", lambda: _sweep(appliance, forward_s=jumps.forward_s))
        await _tried("ballast-not-restored", appliance.space.restore)
        await _tried("canary-not-run", canary.look)
        if readiness.begun.is_set():
            await asyncio.sleep(appliance.settings.reconcile_every_s)
            await _tried("claims-not-released", worker.give_back)
            await _tried("not-reconciled", lambda: _reconcile(appliance, starting=False))
        else:
            await asyncio.sleep(BEGIN_AGAIN_S)
            await _tried("not-begun", lambda: _begin(appliance, worker, readiness))


async def _tried(event: str, action: Callable[[], object]) -> None:
    """Do it in a thread; what fails is logged and tried again a minute later.

    A fault nobody expected, too: a box that were to leave for it would leave again and again,
    and takes recordings in, signs in and scores without what failed here. Its message is not
    logged: it may quote a row.
    """
    running = asyncio.get_running_loop().run_in_executor(None, action)
    await asyncio.wait((running,))
    fault = running.exception()
    if isinstance(fault, ApplianceError):
        _log.warning(event, extra={"code": fault.code})
    elif fault is not None:
        _log.error(event, extra={"kind": type(fault).__name__})


def _sweep(appliance: Appliance, *, forward_s: float) -> None:
    """Clear away what crashes left on disk."""
    swept = sweep(
        audio=appliance.audio,
        recordings=appliance.recordings,
        bundles=appliance.bundles,
        models=appliance.models,
        forward_s=forward_s,
    )
    _log.info("swept", extra=asdict(swept))


def _load_models(appliance: Appliance, readiness: Readiness) -> None:
    """Load and warm up, and unload; a box whose active models all fail to load is not ready."""
    room = appliance.model_room()
    n_loaded = load_active(room=room)
    unload_unneeded(room=room)
    n_active = sum(model.active is not None for model in appliance.models.models())
    if n_loaded or not n_active:
        readiness.models_loaded.set()


def _reconcile(appliance: Appliance, *, starting: bool) -> int:
    return reconcile(
        owner=appliance.owner,
        clock=appliance.clock,
        jobs=appliance.jobs,
        queue=appliance.queue,
        starting=starting,
    )
