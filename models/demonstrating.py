"""The demonstration model: packed from the committed weights, always the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from models.pack import PackedBundle, pack
from models.progress import Progress, silent

NAME: Final = "spiraconv-demo"
DEMONSTRATION: Final = Path(__file__).parent / "demonstration"
KEY: Final = DEMONSTRATION / "demonstration.key"
"""The private half, public by nature: see the README beside it."""


def pack_demonstration(target_directory: Path, *, progress: Progress = silent) -> PackedBundle:
    """Write `spiraconv-demo-<version>.spira` from what is committed.

    Raises:
        As `models.pack.pack`.
    """
    return pack(DEMONSTRATION, key_path=KEY, target_directory=target_directory, progress=progress)
