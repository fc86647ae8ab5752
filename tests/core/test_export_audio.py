"""What is left of a file of sound in an export, and how long that is."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.core.export_audio import n_bytes_alone, sound_alone
from appliance.core.quality import measure
from appliance.core.wav import read_wav, write_wav
from tests.core.test_wav import chunk


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000, 95_999])
@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("n_samples", [1_000, 16_001, 99_999])
@pytest.mark.parametrize("n_noted", [0, 400])
def test_the_length_of_the_sound_alone_is_known_without_its_file(
    rate_hz: int, n_channels: int, n_samples: int, n_noted: int
) -> None:
    """Of one channel or two, whatever a recorder wrote beside it."""
    pcm = np.ones((n_samples, n_channels), np.int16)
    content = bytearray(write_wav(pcm, rate_hz))
    if n_noted:
        content += chunk(b"LIST", bytes(n_noted))
    content[4:8] = (len(content) - 8).to_bytes(4, "little")
    measures = measure(read_wav(bytes(content)).waveform(), rate_hz)

    assert n_bytes_alone(len(content), measures) == len(sound_alone(bytes(content)))
