"""Groups of synthetic people for training, validation, test and golden recordings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.voices.sound import record
from models.voices.speaker import Group, draw_speaker

REQUIRED_ROLES: Final = ("sustentada", "parlenda")
OPTIONAL_ROLES: Final = ("frase",)
ROLES: Final = REQUIRED_ROLES + OPTIONAL_ROLES

_SHARE_WITH_OPTIONAL: Final = 0.75


class Split(IntEnum):
    """Part of every seed, so that no person is in two splits."""

    TRAIN = 1
    VALIDATION = 2
    TEST = 3
    GOLDEN = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Person:
    """One synthetic person.

    Attributes:
        recordings: role -> int16[n_samples] at 16 kHz; optional roles may be absent.
    """

    split: Split
    index: int
    group: Group
    recordings: Mapping[str, NDArray[np.int16]]


def person(split: Split, index: int, *, seed: int) -> Person:
    """Return the person of that seed; even indices are patients, odd ones controls."""
    rng = np.random.default_rng([seed, int(split), index])
    group = Group.CONTROL if index % 2 else Group.PATIENT
    speaker = draw_speaker(group, rng)
    with_optional = rng.random() < _SHARE_WITH_OPTIONAL
    roles = ROLES if with_optional else REQUIRED_ROLES
    recordings = {role: record(role, speaker, rng) for role in roles}
    return Person(split=split, index=index, group=group, recordings=recordings)


def people(split: Split, n_people: int, *, seed: int) -> Iterator[Person]:
    """Yield `n_people` people, half of them patients; the same ones for the same seed."""
    return (person(split, index, seed=seed) for index in range(n_people))


def update_digest(digest: hashlib._Hash, someone: Person) -> None:
    """Add a person's label and samples to a running SHA-256 of a data set."""
    digest.update(f"{someone.split.name} {someone.index} {someone.group}\n".encode())
    for role, pcm in someone.recordings.items():
        digest.update(f"{role} {pcm.size}\n".encode())
        digest.update(pcm.astype("<i2").tobytes())


def digest_of(everyone: Iterable[Person]) -> str:
    """Return the SHA-256, in hex, of a data set."""
    digest = hashlib.sha256()
    for someone in everyone:
        update_digest(digest, someone)
    return digest.hexdigest()
