"""Ballast as files: really allocated, private, and no fault of the disk comes out of it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from appliance.adapters.ballast_files import N_PIECES, BallastFiles, Disk

MIB = 1 << 20


def ballast(tmp_path: Path, n_bytes: int = MIB, **disk: Any) -> BallastFiles:  # noqa: ANN401
    """Return ballast on the disk of this machine."""
    return BallastFiles(
        tmp_path / "ballast", reserve_bytes=0, ballast_bytes=n_bytes, disk=Disk(**disk)
    )


def test_its_files_are_allocated_and_private(tmp_path: Path) -> None:
    """A sparse file would hold nothing."""
    assert ballast(tmp_path).restore()

    files = sorted((tmp_path / "ballast").iterdir())
    assert len(files) == N_PIECES
    assert sum(path.stat().st_blocks * 512 for path in files) >= MIB
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert (tmp_path / "ballast").stat().st_mode & 0o777 == 0o700


def test_a_piece_that_a_crash_left_half_made_is_made_anew(tmp_path: Path) -> None:
    """Its length alone says nothing."""
    ballast(tmp_path).restore()
    half = tmp_path / "ballast" / "03"
    half.write_bytes(b"")
    os.truncate(half, MIB // N_PIECES)

    space = ballast(tmp_path)
    assert space.ballast_bytes() < MIB
    assert space.restore()

    assert space.ballast_bytes() >= MIB


def test_another_size_takes_the_place_of_the_former(tmp_path: Path) -> None:
    """Settings may change; none of the old files stays."""
    ballast(tmp_path).restore()

    assert ballast(tmp_path, MIB // 2).restore()
    assert ballast(tmp_path).ballast_bytes() == MIB // 2
    assert ballast(tmp_path, 0).restore()
    assert ballast(tmp_path).ballast_bytes() == 0


def test_a_piece_that_finds_no_room_leaves_nothing(tmp_path: Path) -> None:
    """Half a piece would be space that nobody holds."""

    def full(_handle: int, _offset: int, _n_bytes: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    assert not ballast(tmp_path, allocate=full).restore()

    assert list((tmp_path / "ballast").iterdir()) == []


def test_a_disk_that_cannot_be_asked_refuses_nothing(tmp_path: Path) -> None:
    """A full disk will say so itself."""
    asked = []

    def statvfs(path: Path) -> os.statvfs_result:
        asked.append(path)
        if len(asked) > 1:
            raise OSError(errno.EIO, "gone")
        return os.statvfs(path)

    ballast(tmp_path, statvfs=statvfs).admit(growing=True)

    assert len(asked) == 2


def test_names_that_run_out_are_a_full_disk(tmp_path: Path) -> None:
    """An empty file needs no space, but a name."""
    n_names = [1_000]

    def statvfs(path: Path) -> os.statvfs_result:
        found = list(os.statvfs(path))
        found[5:8] = [65_536, n_names[0], n_names[0]]
        return os.statvfs_result(found)

    space = ballast(tmp_path, statvfs=statvfs)
    space.restore()
    n_names[0] = space.levels.small.n_names or 0
    assert space.ballast_bytes() >= MIB

    n_names[0] -= 1
    space.admit(growing=False)

    assert space.ballast_bytes() == 0
