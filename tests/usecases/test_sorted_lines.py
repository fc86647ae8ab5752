"""Lines come out in the order of their keys, however few are held at once."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import TargetUnwritable
from appliance.usecases.sorted_lines import MAX_PIECES, SortedLines


@given(st.dictionaries(st.text(max_size=9), st.text(max_size=99)), st.integers(1, 200))
def test_order_does_not_hang_on_what_is_held(
    tmp_path_factory: pytest.TempPathFactory, blocks: dict[str, str], max_held: int
) -> None:
    """Every block once, by its key; a block may hold any text."""
    lines = SortedLines(tmp_path_factory.mktemp("aside"), "table", max_held=max_held)
    for key, block in blocks.items():
        lines.add(key, block)
    file = io.StringIO()
    lines.write_to(file)
    assert file.getvalue() == "".join(blocks[key] for key in sorted(blocks))


def test_many_pieces_are_few_files_and_little_work(tmp_path: Path) -> None:
    """Equally large pieces are made one whenever they are many; each line is copied twice."""
    n = MAX_PIECES**2 + MAX_PIECES + 1
    lines = SortedLines(tmp_path, "table", max_held=1)
    keys = [f"{number * 7919 % n:05}" for number in range(n)]
    written: dict[str, int] = {}
    most = 0
    for key in keys:
        lines.add(key, f"{key}\n")
        pieces = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
        written |= pieces
        most = max(most, len(pieces))
    file = io.StringIO()
    lines.write_to(file)
    assert file.getvalue().split() == sorted(keys)
    assert most < 2 * MAX_PIECES
    assert sum(written.values()) < 3 * n * len('["00000", "00000\\n"]\n')


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """What the file system refuses has a name."""
    lines = SortedLines(tmp_path / "absent", "table", max_held=1)
    with pytest.raises(TargetUnwritable):
        lines.add("key", "block")
