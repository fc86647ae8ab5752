"""The bell: no ring is missed, other processes are heard, and the workers are looked after."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from appliance.adapters.huey_queue.bell import Bell, Ear, ring_elsewhere

WITHIN_S = 10.0


def test_a_ring_between_looking_and_waiting_is_not_missed() -> None:
    """The count is read before looking, so a ring after that ends the wait at once."""
    bell = Bell(wait_at_most_s=WITHIN_S)
    n_rings = bell.n_rings
    bell.ring()

    began_s = time.monotonic()
    bell.wait(n_rings)

    assert time.monotonic() - began_s < WITHIN_S / 2


def test_a_worker_is_looked_after_now_and_then(tmp_path: Path) -> None:
    """The ear calls for a look at the workers, whether datagrams come or not."""
    looked = threading.Event()
    ear = Ear(tmp_path, on_ring=lambda: None, every_s=0.05, look_after=looked.set)
    try:
        assert looked.wait(WITHIN_S)
        looked.clear()
        ring_elsewhere(tmp_path)
        assert looked.wait(WITHIN_S)
    finally:
        ear.close()


def test_ringing_where_nobody_listens_is_no_error(tmp_path: Path) -> None:
    """The console works without a server, and after one was killed."""
    ring_elsewhere(tmp_path)
    ear = Ear(tmp_path, on_ring=lambda: None, every_s=60.0, look_after=lambda: None)
    left_behind = tmp_path / "left"
    os.link(tmp_path / "huey.sock", left_behind)
    ear.close()
    left_behind.rename(tmp_path / "huey.sock")

    ring_elsewhere(tmp_path)
