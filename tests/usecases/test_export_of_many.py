"""How many inferences there are does not matter to an export."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MIB = 1024 * 1024
MAX_GROWTH_BYTES = 4 * MIB
"""Four times as many may take so much more: what the interpreter itself may do."""


def peak_bytes(n: int, target: Path) -> int:
    """Return the most memory that a process took which exported so many."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.usecases.many_inferences", str(n), str(target)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_memory_does_not_grow_with_what_is_exported(tmp_path: Path) -> None:
    """Ten thousand take as much as a quarter of them; every row is there, in order."""
    few = peak_bytes(2_500, tmp_path / "few")
    many = peak_bytes(10_000, tmp_path / "many")

    assert many - few < MAX_GROWTH_BYTES, f"{few / MIB:.0f} and {many / MIB:.0f} MiB"
    with (tmp_path / "many" / "inferences.csv").open(encoding="utf-8") as file:
        ids = [line[:36] for line in file][1:]
    assert len(ids) == 10_000
    assert ids == sorted(set(ids))
    assert (tmp_path / "many" / "recordings.csv").stat().st_size > 10 * MIB
