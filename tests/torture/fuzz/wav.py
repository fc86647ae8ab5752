"""Any bytes as a WAV: samples that are there, or a refusal by name."""

from __future__ import annotations

from tests.torture.wav_storm import end_of


def one(content: bytes) -> None:
    """Read it and measure what was read."""
    end_of(content)
