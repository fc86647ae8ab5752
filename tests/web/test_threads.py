"""Calls in threads that nobody walks away from."""

from __future__ import annotations

import asyncio
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.adapters.audio_files import AudioFiles, Disk
from appliance.core.errors import StorageFailed
from appliance.web.threads import to_end

VOICE = b"RIFF voice"


class SlowDisk:
    """A disk whose next fsync of a file waits until it is let go on."""

    def __init__(self) -> None:
        """Begin with nothing under way."""
        self.syncing = threading.Event()
        self.go_on = threading.Event()
        self.slow = False

    def fsync(self, handle: int) -> None:
        """Wait, then sync."""
        if self.slow:
            self.syncing.set()
            assert self.go_on.wait(10)
        os.fsync(handle)


def test_a_cancelled_upload_is_no_failed_disk(tmp_path: Path) -> None:
    """A stop cancels it in mid-fsync: the part is discarded only after the thread has ended."""
    slow = SlowDisk()
    failures: list[StorageFailed] = []
    store = AudioFiles(
        tmp_path / "audio",
        reserve_bytes=0,
        on_failure=failures.append,
        disk=replace(Disk(), fsync=slow.fsync),
    )
    slow.slow = True

    async def upload() -> None:
        part = await to_end(store.begin)
        try:
            await to_end(lambda: part.write(VOICE))
            await to_end(part.keep)
        finally:
            await to_end(part.discard)

    async def stopped() -> None:
        task = asyncio.create_task(upload())
        await asyncio.to_thread(slow.syncing.wait, 10)
        for _ in range(3):
            for running in asyncio.all_tasks() - {asyncio.current_task()}:
                running.cancel()  # as the end of a loop does
            await asyncio.sleep(0.05)
        assert not task.done()
        slow.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(stopped())

    assert failures == []
    assert [path.suffix for path in (tmp_path / "audio").iterdir()] == [".wav"]


def test_what_was_opened_for_nobody_is_given_back() -> None:
    """A part that is opened while its request is cancelled is not left behind."""
    opening, go_on = threading.Event(), threading.Event()
    given_back: list[str] = []

    def begin() -> str:
        opening.set()
        assert go_on.wait(10)
        return "part"

    async def cancelled() -> None:
        task = asyncio.create_task(to_end(begin, undo=given_back.append))
        await asyncio.to_thread(opening.wait, 10)
        task.cancel()
        await asyncio.sleep(0.01)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert given_back == ["part"]


def test_result_and_error_of_the_call_come_back() -> None:
    """Without a cancellation it is an ordinary call."""

    def fail() -> None:
        raise StorageFailed

    assert asyncio.run(to_end(lambda: 7)) == 7
    with pytest.raises(StorageFailed):
        asyncio.run(to_end(fail))
