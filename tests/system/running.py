"""What every room that starts real boxes is given: a box, a patient's voice, and clean logs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.recordings import golden_recordings
from tests.system.boxes import Box
from tests.torture.personal import leaks


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Box:
    """A demonstration box that never runs: making one costs four seconds of a core."""
    return Box.make(tmp_path_factory.mktemp("made"))


@pytest.fixture
def box(made: Box, tmp_path: Path) -> Iterator[Box]:
    """A running demonstration box."""
    box = made.copied_to(tmp_path)
    box.start()
    yield box
    box.end()


@pytest.fixture(scope="session", autouse=True)
def no_log_tells_of_anyone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Read every log of every box of this run, whatever test started it."""
    yield
    found = list(leaks(tmp_path_factory.getbasetemp()))
    assert not found, "\n".join(found[:20])


@pytest.fixture(scope="session")
def golden() -> dict[str, bytes]:
    """The recordings of a patient's golden case in the shipped demonstration bundle."""
    return golden_recordings()
