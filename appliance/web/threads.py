"""Blocking calls on a part file, which nothing may touch until they have ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from typing import TypeVar

Found = TypeVar("Found")


async def to_end(
    call: Callable[[], Found], *, undo: Callable[[Found], object] | None = None
) -> Found:
    """Run a call in a thread and return its result; never leave before it has ended.

    A thread cannot be cancelled: whoever is cancelled here (a stop that waits no longer) would
    otherwise close a file that another thread is syncing, which looks like a failed disk.

    Args:
        call: blocks.
        undo: gives back, in a thread, what the call returned to nobody.
    """
    # No task: a loop that ends cancels every task, and this one would seem to have ended.
    running = asyncio.get_running_loop().run_in_executor(None, copy_context().run, call)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await _ended(running)
        if undo is not None and running.exception() is None:
            found = running.result()
            await _ended(asyncio.get_running_loop().run_in_executor(None, undo, found))
        raise


async def _ended(running: asyncio.Future[Found]) -> None:
    """Wait for the end of a call, however often somebody cancels the waiting."""
    while not running.done():
        try:
            await asyncio.wait((running,))
        except asyncio.CancelledError:
            continue
    running.exception()  # looked at: it goes nowhere, the cancellation does
