"""Real boxes, real processes."""

from __future__ import annotations

import pytest

from tests.recordings import SHARED_AUDIO
from tests.system.running import box, golden, made, no_log_tells_of_anyone

__all__ = ["box", "golden", "made", "no_log_tells_of_anyone"]


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
