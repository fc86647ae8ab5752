"""Files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.errors import TargetNotEmpty, TargetUnwritable
from models.whole_file import write_whole, write_whole_directory


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    """The new content stands alone in the directory, which is made if need be."""
    path = tmp_path / "new" / "bundle.spira"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert [(f.name, f.read_bytes()) for f in path.parent.iterdir()] == [("bundle.spira", b"new")]


def test_a_refused_replacement_leaves_no_scraps(tmp_path: Path) -> None:
    """A directory in the way stays, and the temporary file goes."""
    path = tmp_path / "bundle.spira"
    (path / "inside").mkdir(parents=True)
    with pytest.raises(TargetUnwritable):
        write_whole(path, b"new")
    assert [f.name for f in tmp_path.iterdir()] == ["bundle.spira"]


def test_a_directory_appears_whole(tmp_path: Path) -> None:
    """An empty one is filled, files below files included, and nothing is left beside it."""
    (tmp_path / "model").mkdir()
    write_whole_directory(tmp_path / "model", {"a.json": b"1", "golden/a.wav": b"2"})
    assert (tmp_path / "model" / "golden" / "a.wav").read_bytes() == b"2"
    assert [f.name for f in tmp_path.iterdir()] == ["model"]


def test_a_directory_that_cannot_be_made_whole_is_not_made(tmp_path: Path) -> None:
    """A fault at its second file leaves none."""
    with pytest.raises(TargetUnwritable):
        write_whole_directory(tmp_path / "model", {"a": b"1", "a/b": b"2"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["used", "used/file"])
def test_what_is_there_is_no_place_for_a_directory(tmp_path: Path, target: str) -> None:
    """A file and a used directory stay as they are."""
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").write_bytes(b"mine")
    with pytest.raises(TargetNotEmpty):
        write_whole_directory(tmp_path / target, {"a": b"1"})
    assert (tmp_path / "used" / "file").read_bytes() == b"mine"
