"""A box is made whole, once, and for its owner alone."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.commands.init import make_box
from appliance.core.errors import AlreadyInitialised
from appliance.settings import read_settings
from appliance.usecases.box import FirstUser
from tests.commands.console import Console, run


@pytest.fixture
def new(tmp_path: Path) -> Console:
    """A console beside a directory that is not there yet."""
    (tmp_path / "files").mkdir()
    return Console(directory=tmp_path / "new" / "box", files=tmp_path / "files")


def test_a_new_box_has_an_admin_and_a_protocol(new: Console) -> None:
    """The first admin's password is shown once, and the shipped protocol is active."""
    (admin,) = new.json("init")["users"]

    assert (admin["username"], admin["role"]) == ("admin", "admin")
    assert len(admin["password"]) == 19
    (protocol,) = new.json("protocols", "list")["protocols"]
    assert (protocol["id"], protocol["active"]) == ("spira-2022.1", True)
    assert new.json("audit", "verify")["audit"]["n_rows"] >= 3


def test_only_its_owner_may_read_a_box(new: Console) -> None:
    """Directories have mode 0700, keys 0600."""
    new.json("init")

    modes = {
        path.relative_to(new.directory).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in [new.directory, *new.directory.rglob("*")]
    }
    assert modes["."] == modes["keys"] == 0o700
    assert modes["keys/token.key"] == modes["keys/pseudonym.key"] == 0o600
    assert not any(mode & 0o077 for mode in modes.values())


def test_a_place_for_keys_that_takes_none_is_a_refusal(
    new: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that is full but for the directory itself; nothing is left behind."""
    monkeypatch.setenv("SPIRA_KEYS", "/proc/keys-of-a-box")

    assert new.error("init") == (3, "target-unwritable")
    assert not new.directory.exists()


def test_passwords_stand_in_no_file(new: Console) -> None:
    """What was shown once cannot be found on disk."""
    (admin,) = new.json("init")["users"]

    for path in new.directory.rglob("*"):
        assert path.is_dir() or admin["password"].encode() not in path.read_bytes()


def test_a_box_is_never_made_twice(box: Console) -> None:
    """An initialised directory is refused and stays as it was."""
    before = box.json("users", "list")

    assert box.error("init") == (7, "already-initialised")
    assert box.json("users", "list") == before


def test_a_used_directory_is_refused(new: Console) -> None:
    """A box never mixes with what is there."""
    new.directory.mkdir(parents=True)
    (new.directory / "thesis.txt").write_text("mine")

    assert new.error("init") == (3, "target-not-empty")
    assert [path.name for path in new.directory.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("raised", [KeyboardInterrupt, AlreadyInitialised])
def test_a_stop_in_the_middle_leaves_nothing(
    new: Console, raised: Callable[[], BaseException]
) -> None:
    """A box that is not whole never appears, and the next try begins anew."""

    def stop(_directory: Path, _users: tuple[FirstUser, ...]) -> None:
        raise raised()

    settings = read_settings({}, directory=new.directory)
    with pytest.raises(type(raised())):
        make_box(settings, demo=False, finish=stop)

    assert list(new.directory.parent.iterdir()) == []
    assert new.run("init").status == 0


def test_no_box_is_said_to_be_none(new: Console) -> None:
    """Every command that needs a box says what to do where there is none."""
    said = new.run("users", "list")

    assert said.status == 7
    assert said.stdout == ""
    assert "spira init" in said.stderr


def test_the_directory_may_come_from_the_environment(
    box: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SPIRA_DATA names the box for every command."""
    monkeypatch.setenv("SPIRA_DATA", str(box.directory))

    assert "ana" in run("users", "list").stdout
