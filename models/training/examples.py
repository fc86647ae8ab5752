"""People as the network sees them: the MFCC windows of each recording."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from appliance.core.wav import FULL_SCALE
from models.progress import Progress
from models.spiraconv.reference import Features
from models.spiraconv.windows import RATE_HZ
from models.voices.cohort import ROLES, Person, update_digest
from models.voices.speaker import Group

CUT_S: Final = (1.5, 3.9)
"""Training hears each recording once more, as if it had been stopped after so long. Otherwise the
network would take the silence that extends a short recording for a breathless pause."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Example:
    """One person.

    Attributes:
        label: 1.0 for patients.
        windows: one float32[n_windows, 401, 40] a recording.
    """

    label: float
    windows: tuple[Tensor, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examples:
    """A data set; `digest` is the SHA-256 of its labels and samples."""

    people: tuple[Example, ...]
    n_recordings: int
    digest: str


def waveform(pcm: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return float32[n_samples] in [-1, 1), as the box reads a recording."""
    return pcm.astype(np.float32) / np.float32(FULL_SCALE)


def examples(
    people: Iterable[Person],
    n_people: int,
    features: Features,
    *,
    step: str,
    progress: Progress,
    cuts: np.random.Generator | None = None,
) -> Examples:
    """Return the windows of all people, in order.

    Args:
        people: whom to hear.
        n_people: how many they are.
        features: of a waveform.
        step: what `progress` is told.
        progress: told of every person.
        cuts: for training: decides where each recording is cut for one more window (`CUT_S`).
    """
    digest = hashlib.sha256()
    found: list[Example] = []
    for someone in people:
        update_digest(digest, someone)
        takes = [someone.recordings[role] for role in ROLES if role in someone.recordings]
        found.append(
            Example(
                label=1.0 if someone.group is Group.PATIENT else 0.0,
                windows=tuple(_windows(waveform(pcm), features, cuts) for pcm in takes),
            )
        )
        progress(step, len(found), n_people)
    n_recordings = sum(len(example.windows) for example in found)
    return Examples(people=tuple(found), n_recordings=n_recordings, digest=digest.hexdigest())


def _windows(
    samples: NDArray[np.float32], features: Features, cuts: np.random.Generator | None
) -> Tensor:
    whole = features(samples)
    if cuts is None:
        return whole
    n_kept = int(RATE_HZ * cuts.uniform(*CUT_S))
    return torch.cat((whole, features(samples[:n_kept])))


@torch.no_grad()
def probabilities(
    logits: Callable[[Tensor], Tensor], everyone: Examples
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return float64[n_people] of mean window probabilities, and of labels."""
    means = [
        float(torch.cat([torch.sigmoid(logits(take)) for take in person.windows]).mean())
        for person in everyone.people
    ]
    labels = [person.label for person in everyone.people]
    return np.array(means), np.array(labels)
