"""How recordings are cut into windows: the published rule, and what it left undefined."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.spiraconv.windows import STEP, WINDOW, n_windows


@given(st.integers(min_value=WINDOW + 1, max_value=16_000 * 130))
def test_long_recordings_follow_the_published_loop(n_samples: int) -> None:
    """As many windows as `range(4 * rate, n, rate)` has steps, its last sample left out."""
    assert n_windows(n_samples) == len(range(WINDOW, n_samples, STEP))


@pytest.mark.parametrize(
    ("n_samples", "expected"),
    [(0, 0), (1, 1), (63_999, 1), (64_000, 1), (64_001, 1), (80_000, 1), (80_001, 2), (80_007, 2)],
)
def test_edges(n_samples: int, expected: int) -> None:
    """Nothing has no window, anything up to a window has one, and 80,000 samples still have one."""
    assert n_windows(n_samples) == expected
