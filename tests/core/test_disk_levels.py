"""Levels: the least needed is refused first, on disks of every size."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.core.disk_levels import Room, disk_levels

GIB = 1 << 30


@given(
    total_bytes=st.integers(0, 1 << 45),
    n_names=st.none() | st.integers(0, 1 << 32),
    reserve_bytes=st.integers(0, GIB),
    ballast_bytes=st.integers(0, GIB),
)
def test_each_level_lies_below_the_one_before(
    total_bytes: int, n_names: int | None, reserve_bytes: int, ballast_bytes: int
) -> None:
    """Recordings first, then inferences; small writes never."""
    levels = disk_levels(
        total_bytes, n_names, reserve_bytes=reserve_bytes, ballast_bytes=ballast_bytes
    )

    assert levels.recordings.holds(levels.growing)
    assert levels.growing.holds(levels.small)
    assert levels.ballast_bytes + levels.recordings.free_bytes <= total_bytes // 4


def test_a_usual_disk_keeps_what_the_settings_say() -> None:
    """64 MiB for the write-ahead log and what small writes need, and as much ballast."""
    levels = disk_levels(64 * GIB, 4 << 20, reserve_bytes=GIB // 4, ballast_bytes=GIB // 16)

    assert levels.recordings == Room(free_bytes=GIB // 4, n_names=64)
    assert levels.growing == Room(free_bytes=GIB // 8, n_names=32)
    assert levels.small == Room(free_bytes=GIB // 16, n_names=16)
    assert levels.ballast_bytes == GIB // 16


def test_names_count_only_where_the_disk_counts_them() -> None:
    """Some file systems make as many as there is space for."""
    assert Room(free_bytes=1).holds(Room(free_bytes=1, n_names=64))
    assert not Room(free_bytes=1, n_names=63).holds(Room(free_bytes=1, n_names=64))
