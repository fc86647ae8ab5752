"""Recordings for tests: those of the shipped bundle, and those of real phones."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import appliance

DEMONSTRATION = next((Path(appliance.__file__).parent / "demonstration").glob("*.spira"))
"""The bundle that ships with the box."""

SHARED_AUDIO = Path(os.environ.get("SPIRA_SHARED", Path(__file__).parents[2] / "shared")) / "audio"
"""Recordings of real phones, where they lie beside the checkout."""


def golden_recordings() -> dict[str, bytes]:
    """Return the recordings of one golden case, by role."""
    with zipfile.ZipFile(DEMONSTRATION) as archive:
        names = [name for name in archive.namelist() if name.endswith(".wav")]
        sustentada = next(name for name in sorted(names) if "sustentada" in name)
        parlenda = sustentada.replace("sustentada", "parlenda")
        return {
            "aceite": archive.read(parlenda),
            "sustentada": archive.read(sustentada),
            "parlenda": archive.read(parlenda),
        }
