"""The demonstration model: packed from the committed weights, always the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import appliance
from models.pack import PackedBundle, pack
from models.progress import Progress, silent

NAME: Final = "spiraconv-demo"
DEMONSTRATION: Final = Path(__file__).parent / "demonstration"
KEY: Final = DEMONSTRATION / "demonstration.key"
"""The private half, public by nature: see the README beside it."""

CARRIED: Final = Path(appliance.__file__).parent / "demonstration"
"""Where a release carries the bundle and the public half of the key into the box."""

BUNDLE: Final = CARRIED / "spiraconv-demo-1.0.0.spira"
PUBLIC_KEY: Final = CARRIED / "demonstration.pub"


def pack_demonstration(target_directory: Path, *, progress: Progress = silent) -> PackedBundle:
    """Write `spiraconv-demo-<version>.spira` from what is committed.

    Raises:
        As `models.pack.pack`.
    """
    return pack(DEMONSTRATION, key_path=KEY, target_directory=target_directory, progress=progress)
