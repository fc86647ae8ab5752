"""Real boxes, real processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.recordings import SHARED_AUDIO, golden_recordings
from tests.system.boxes import Box
from tests.torture.personal import leaks


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A running demonstration box."""
    box = Box.make(tmp_path)
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


@pytest.fixture(scope="session")
def phone_recordings() -> dict[str, bytes]:
    """Recordings of real phones, one a role."""
    if not SHARED_AUDIO.is_dir():
        pytest.skip("the real recordings are not beside the checkout")
    take = "iphone12_safari_ns0ec0agc0.wav"
    return {
        "aceite": (SHARED_AUDIO / "parlenda_motoz2_chrome_ns0ec0agc0.wav").read_bytes(),
        "sustentada": (SHARED_AUDIO / f"sustentada_{take}").read_bytes(),
        "parlenda": (SHARED_AUDIO / f"parlenda_{take}").read_bytes(),
        "frase": (SHARED_AUDIO / f"frase_{take}").read_bytes(),
    }
