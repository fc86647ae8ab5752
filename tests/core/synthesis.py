"""Sounds described in the shared vector file, made the same way in Python and TypeScript.

A sound is a list of segments, each `seconds` long and scaled by `amplitude`:

- `silence`: zeros;
- `sine`: sin(2 pi frequency_hz n / rate), n counted from the segment's start;
- `noise`: state = (1664525 state + 1013904223) mod 2^32 from `seed` on, sample = state / 2^31 - 1.

A segment has floor(seconds * rate + 0.5) samples. Each sample is clamped to [-1, 1] and stored as
floor(x * 32767 + 0.5).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def pcm(segments: Sequence[Mapping[str, Any]], sample_rate_hz: int) -> NDArray[np.int16]:
    """Return int16[n_samples]."""
    samples = [x for segment in segments for x in _segment(segment, sample_rate_hz)]
    stored = [math.floor(min(1.0, max(-1.0, x)) * 32_767 + 0.5) for x in samples]
    return np.array(stored, dtype=np.int16)


def _segment(segment: Mapping[str, Any], sample_rate_hz: int) -> Iterator[float]:
    n_samples = math.floor(segment["seconds"] * sample_rate_hz + 0.5)
    amplitude = segment.get("amplitude", 0.0)
    state = segment.get("seed", 0)
    step = 2 * math.pi * segment.get("frequency_hz", 0.0) / sample_rate_hz
    for n in range(n_samples):
        if segment["kind"] == "noise":
            state = (1_664_525 * state + 1_013_904_223) % 2**32
            yield amplitude * (state / 2**31 - 1)
        else:
            yield amplitude * math.sin(step * n)
