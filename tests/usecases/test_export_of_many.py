"""How many inferences there are does not matter to an export: held to with up to 10,000."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
MIB = 1024 * 1024
PATIENCE_S = 60
MAX_GROWTH_BYTES = 4 * MIB
"""Four times as many may take so much more: what the interpreter itself may do."""


PROGRAM = "tests.usecases.many_inferences"


def peak_bytes(n: int, target: Path, *, hash_seed: int = 0) -> int:
    """Return the most memory that a process took which exported so many."""
    done = subprocess.run(
        [sys.executable, "-m", PROGRAM, str(n), str(target)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
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


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    """Whatever order their sets have."""
    for hash_seed in (1, 2):
        peak_bytes(200, tmp_path / f"{hash_seed}", hash_seed=hash_seed)

    names = sorted(path.name for path in (tmp_path / "1").iterdir())
    assert "provenance.json" in names
    for name in names:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_a_kill_half_way_leaves_nothing_that_looks_whole(tmp_path: Path) -> None:
    """No target, no sums; the next export to the same place clears away what was left."""
    target = tmp_path / "out"
    with subprocess.Popen(
        [sys.executable, "-m", PROGRAM, "1000000", str(target)], cwd=ROOT
    ) as process:
        deadline = time.monotonic() + PATIENCE_S
        while not [*tmp_path.glob(".out-building-*/.sorting-*/recordings.csv-*")]:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.kill()
    assert [path.name for path in tmp_path.rglob("SHA256SUMS")] == []
    assert not target.exists()
    left = list(tmp_path.iterdir())
    assert [path.name[:14] for path in left] == [".out-building-"]

    peak_bytes(10, target)

    assert (target / "SHA256SUMS").exists()
    assert list(tmp_path.iterdir()) == [target]
