"""The contract of DiskSpace, kept by files on a disk of any size and by the fake."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.adapters.ballast_files import BallastFiles, Disk
from appliance.core.errors import DiskFull
from appliance.ports import DiskSpace
from tests.fakes_io import FakeDiskSpace

MIB = 1 << 20
RECORDINGS, GROWING, SMALL, BALLAST = 16 * MIB, 8 * MIB, 4 * MIB, 16 * MIB
TOTAL = 1 << 30


@dataclass
class Under:
    """A disk under test; others write to it."""

    space: DiskSpace
    leave: Callable[[int], None]


def real(directory: Path) -> Under:
    """Return real files on a disk whose size is told to them."""
    others = [0]

    def statvfs(_path: Path) -> os.statvfs_result:
        held = sum(path.stat().st_size for path in directory.glob("ballast/*"))
        free = max(0, TOTAL - others[0] - held) // 4096
        return os.statvfs_result((4096, 4096, TOTAL // 4096, free, free, 0, 0, 0, 0, 255))

    space = BallastFiles(
        directory / "ballast",
        reserve_bytes=RECORDINGS,
        ballast_bytes=BALLAST,
        disk=Disk(statvfs=statvfs),
    )

    def leave(n_bytes: int) -> None:
        others[0] = TOTAL - space.ballast_bytes() - n_bytes

    return Under(space=space, leave=leave)


def fake() -> Under:
    """Return the fake."""
    space = FakeDiskSpace()
    return Under(space=space, leave=lambda n_bytes: setattr(space, "free", n_bytes))


@pytest.fixture(params=["fake", "files"])
def under(request: pytest.FixtureRequest, tmp_path: Path) -> Under:
    """A disk with room, and no ballast yet."""
    return fake() if request.param == "fake" else real(tmp_path)


def test_ballast_takes_the_space_it_holds(under: Under) -> None:
    """What is held is not free, and is held once."""
    under.leave(100 * MIB)

    assert under.space.restore()
    assert under.space.restore()

    assert under.space.ballast_bytes() == BALLAST
    assert under.space.free_bytes() == 100 * MIB - BALLAST


def test_while_there_is_room_everything_is_admitted(under: Under) -> None:
    """Ballast stays where it is."""
    under.leave(100 * MIB)
    under.space.restore()
    under.leave(GROWING)

    under.space.admit(growing=True)
    under.space.admit(growing=False)

    assert under.space.ballast_bytes() == BALLAST


def test_what_can_come_later_is_refused_before_ballast_is_given_up(under: Under) -> None:
    """The last room is for sign-ins, audit rows and results."""
    under.leave(100 * MIB)
    under.space.restore()
    under.leave(GROWING - 4096)

    with pytest.raises(DiskFull):
        under.space.admit(growing=True)
    under.space.admit(growing=False)

    assert under.space.ballast_bytes() == BALLAST


def test_ballast_is_given_up_as_far_as_needed(under: Under) -> None:
    """Who filled the disk does not get all of it at once."""
    under.leave(100 * MIB)
    under.space.restore()
    under.leave(0)

    under.space.admit(growing=False)

    assert under.space.free_bytes() >= SMALL
    assert under.space.ballast_bytes() == BALLAST - SMALL


def test_a_disk_without_ballast_admits_small_writes_all_the_same(under: Under) -> None:
    """Whether they find room the disk itself will say."""
    under.leave(0)

    under.space.admit(growing=False)

    assert not under.space.give_up()


def test_given_up_is_one_piece_a_time(under: Under) -> None:
    """A write that found no room, whatever the disk said, finds some the next time."""
    under.leave(100 * MIB)
    under.space.restore()

    assert under.space.give_up()

    assert under.space.ballast_bytes() == BALLAST - BALLAST // 16


def test_ballast_never_keeps_recordings_out(under: Under) -> None:
    """It is held again from what is above their level, and no more."""
    under.leave(RECORDINGS + 3 * MIB)

    assert not under.space.restore()
    assert under.space.free_bytes() >= RECORDINGS
    assert under.space.ballast_bytes() == 3 * MIB

    under.leave(100 * MIB)
    assert under.space.restore()
