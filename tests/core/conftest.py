"""What the tests of core share: where the real recordings are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def real_audio() -> Path:
    """Return the directory of real recordings, or skip: they are not part of the repository."""
    shared = Path(os.environ.get("SPIRA_SHARED", CHECKOUT.parent / "shared"))
    directory = shared / "audio"
    if not directory.is_dir():
        pytest.skip(f"no real recordings in {directory}")
    return directory
