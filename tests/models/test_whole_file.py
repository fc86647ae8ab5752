"""Files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.errors import TargetUnwritable
from models.whole_file import write_whole


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
