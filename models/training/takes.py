"""What one recording gives to an epoch of training: a window, drawn anew each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from models.spiraconv.windows import RATE_HZ, STEP, WINDOW, n_windows
from models.training.augmentation import Augmentation, augment
from models.training.examples import CUT_S, Examples


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Take:
    """One recording to learn from.

    Attributes:
        label: 1.0 for patients.
        draw: gives float32[401, 40] of MFCC, chosen by the chance it is given.
    """

    label: float
    draw: Callable[[np.random.Generator], Tensor]


def takes_of(everyone: Examples) -> tuple[Take, ...]:
    """Return takes that draw from windows computed before."""
    return tuple(
        Take(label=person.label, draw=_drawn_from(windows))
        for person in everyone.people
        for windows in person.windows
    )


def heard_take(
    samples: NDArray[np.float32],
    *,
    label: float,
    features: Callable[[NDArray[np.float32]], Tensor],
    augmentation: Augmentation,
) -> Take:
    """Return a take that cuts, changes and transforms a recording whenever it is drawn from.

    Args:
        samples: float32[n_samples] at 16 kHz, at least one; 64 kB a second are kept.
        label: 1.0 for patients; nothing that is drawn depends on it.
        features: of a waveform, float32[n_windows, 401, 40].
        augmentation: how each window is changed.
    """

    def draw(chance: np.random.Generator) -> Tensor:
        return features(augment(_cut(samples, chance), augmentation, chance))[0]

    return Take(label=label, draw=draw)


def _drawn_from(windows: Tensor) -> Callable[[np.random.Generator], Tensor]:
    return lambda chance: windows[chance.integers(len(windows))]


def _cut(samples: NDArray[np.float32], chance: np.random.Generator) -> NDArray[np.float32]:
    n_whole = n_windows(samples.size)
    place = int(chance.integers(n_whole + 1))
    if place == n_whole:
        return samples[: int(RATE_HZ * chance.uniform(*CUT_S))]
    return samples[place * STEP : place * STEP + WINDOW]
