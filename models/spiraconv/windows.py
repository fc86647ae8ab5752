"""How a recording is cut: windows of 4 s every 1 s, as the published code did.

Their loop, `range(4 * rate, n, rate)`, leaves the last sample out: n samples above 64,000 give
ceil((n - 64,000) / 16,000) windows, and 64,000 or fewer gave none (their code failed). Here a
recording that short is extended with zeros to 64,001 samples, which makes one window; an empty
one is an absent optional role and has none.
"""

from __future__ import annotations

from typing import Final

RATE_HZ: Final = 16_000
WINDOW: Final = 64_000
"""Samples a window."""
STEP: Final = 16_000
"""Samples from one window's start to the next one's."""
SHORTEST: Final = WINDOW + 1
"""Samples a shorter recording is extended to."""


def n_windows(n_samples: int) -> int:
    """Return how many windows a recording has."""
    if n_samples == 0:
        return 0
    return -((WINDOW - max(n_samples, SHORTEST)) // STEP)
