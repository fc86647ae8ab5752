"""A directory appears whole or not at all, wherever it is made and whenever its maker is killed."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.core.errors import TargetNotEmpty
from appliance.usecases.whole_directory import file_sha256, sha256_sums, whole_directory

ROOT = Path(__file__).parents[2]
MARKER = "records.db"

KILLED_AT_RENAME = """
import os, signal, sys
from pathlib import Path
from appliance.usecases.whole_directory import whole_directory

target, n_left = Path(sys.argv[1]), int(sys.argv[2])

def kill(event, arguments):
    global n_left
    if event == "os.rename":
        if n_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        n_left -= 1
    if event == "shutil.rmtree" and n_left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

with whole_directory(target, marker="records.db") as building:
    (building / "keys").mkdir()
    (building / "keys" / "token.key").write_text("secret")
    (building / "records.db").write_text("rows")
    (building / "settings.toml").write_text("")
    sys.addaudithook(kill)
"""

FAILED_AT_THE_END = """
import errno, os, sys
from pathlib import Path
from appliance.core.errors import TargetUnwritable
from appliance.usecases.whole_directory import whole_directory

target, sync = Path(sys.argv[1]), os.fsync

def fail_once_it_is_whole(handle):
    if (target / "records.db").exists():
        raise OSError(errno.EIO, "failed")
    sync(handle)

os.fsync = fail_once_it_is_whole
try:
    with whole_directory(target, marker="records.db") as building:
        (building / "records.db").write_text("rows")
except TargetUnwritable as error:
    print(error.code)
"""


def make(target: Path, fault: BaseException | None = None) -> None:
    """Make what a box has; something may go wrong before it is done."""
    with whole_directory(target, marker=MARKER) as building:
        (building / "keys").mkdir()
        (building / "keys" / "token.key").write_text("secret")
        (building / MARKER).write_text("rows")
        if fault is not None:
            raise fault


def names(directory: Path) -> list[str]:
    """Return what stands in a directory."""
    return sorted(path.name for path in directory.iterdir())


def test_a_prepared_directory_is_used_itself(tmp_path: Path) -> None:
    """It is never replaced (it may be a mount point, below a parent of root's), and it is shut."""
    target = tmp_path / "box"
    target.mkdir(mode=0o755)
    before = target.stat().st_ino

    make(target)

    assert target.stat().st_ino == before
    assert stat.S_IMODE(target.stat().st_mode) == 0o700
    assert names(target) == ["keys", MARKER]
    assert names(tmp_path) == ["box"]


def test_a_new_disk_is_empty_in_spite_of_its_lost_and_found(tmp_path: Path) -> None:
    """The file system's own directory is nobody's work."""
    (tmp_path / "lost+found").mkdir()

    make(tmp_path)

    assert names(tmp_path) == ["keys", "lost+found", MARKER]


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_a_link(tmp_path: Path, exists: bool) -> None:
    """What it points to becomes the box."""
    disk, link = tmp_path / "disk", tmp_path / "box"
    if exists:
        disk.mkdir()
    link.symlink_to(disk)

    make(link)

    assert link.is_symlink()
    assert names(disk) == ["keys", MARKER]


def test_whoever_stands_in_the_target_stays_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The working directory itself may be the target."""
    monkeypatch.chdir(tmp_path)

    make(Path())

    assert names(Path.cwd()) == ["keys", MARKER]


@pytest.mark.parametrize("place", [".", "file"])
def test_what_is_there_is_never_touched(tmp_path: Path, place: str) -> None:
    """A used directory and a file are refused."""
    (tmp_path / "file").write_text("mine")

    with pytest.raises(TargetNotEmpty):
        make(tmp_path / place)

    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("prepared", [True, False])
@pytest.mark.parametrize("raised", [KeyboardInterrupt, ValueError])
def test_a_fault_inside_leaves_nothing(
    tmp_path: Path, prepared: bool, raised: type[BaseException]
) -> None:
    """Neither half a directory nor a hidden one."""
    target = tmp_path / "box"
    if prepared:
        target.mkdir()

    with pytest.raises(raised):
        make(target, raised())

    assert names(tmp_path) == (["box"] if prepared else [])
    assert not prepared or names(target) == []


@pytest.mark.parametrize("prepared", [True, False])
def test_a_disk_that_fails_at_the_very_end_leaves_nothing(tmp_path: Path, prepared: bool) -> None:
    """What is said to have failed is not there: nobody learned the passwords of such a box."""
    target = tmp_path / "box"
    if prepared:
        target.mkdir()
    command = [sys.executable, "-c", FAILED_AT_THE_END, str(target)]
    failed = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)

    assert failed.stdout == "target-unwritable\n", failed.stderr
    assert names(tmp_path) == (["box"] if prepared else [])
    assert not prepared or names(target) == []
    make(target)
    assert names(target) == ["keys", MARKER]


@pytest.mark.parametrize("prepared", [True, False])
@pytest.mark.parametrize("n_renames", [0, 1, 2, 3])
def test_a_kill_leaves_no_marker_or_all(tmp_path: Path, prepared: bool, n_renames: int) -> None:
    """Killed before each move and before tidying up: whole, or made anew by the next call."""
    target = tmp_path / "box"
    if prepared:
        target.mkdir()
    command = [sys.executable, "-c", KILLED_AT_RENAME, str(target), str(n_renames)]
    killed = subprocess.run(command, cwd=ROOT, check=False)

    whole = (target / MARKER).exists()
    assert killed.returncode == (-signal.SIGKILL if prepared or n_renames <= 1 else 0)
    assert whole == (n_renames == 3 if prepared else n_renames > 0)
    if whole:
        assert (target / "keys" / "token.key").read_text() == "secret"
        with pytest.raises(TargetNotEmpty):
            make(target)
        expected = ["keys", MARKER, "settings.toml"]
    else:
        make(target)
        expected = ["keys", MARKER]
    assert names(target) == expected
    assert names(tmp_path) == ["box"]


def test_two_never_make_the_same(tmp_path: Path) -> None:
    """Who comes second is refused, and removes nothing of the first."""
    with whole_directory(tmp_path / "box", marker=MARKER) as building:
        (building / MARKER).write_text("rows")
        with pytest.raises(TargetNotEmpty, match="Another process"):
            make(tmp_path / "box")

    assert names(tmp_path / "box") == [MARKER]


def test_a_file_whose_digest_is_known_is_not_read(tmp_path: Path) -> None:
    """Its line says what is known; all others are digested, also those further down."""
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "b").write_text("b")
    (tmp_path / "a").write_text("a")
    digest = file_sha256(tmp_path / "below" / "b")

    lines = sha256_sums(tmp_path, known={"a": "0" * 64}).splitlines()

    assert lines == [f"{'0' * 64}  a", f"{digest}  below/b"]
