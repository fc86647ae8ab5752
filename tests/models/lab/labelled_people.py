"""Small collections of labelled recordings, to train on in a moment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.models.labelled_builders import put_wav

N_PATIENTS = 5
"""Of each label."""


def sound(seed: int, *, n_samples: int = 16_000) -> NDArray[np.int16]:
    """Noise of a second, another one for each seed; its loudness rises and falls."""
    noise = np.random.default_rng(seed).normal(0.0, 3_000.0, n_samples)
    return (noise * np.hanning(n_samples)).astype(np.int16)


def put_people(directory: Path, *, n_patients: int = N_PATIENTS) -> Path:
    """Write folders: of each label so many patients, one of them twice; not all said the sentence.

    Returns:
        The directory.
    """
    for label, first in (("positive", 0), ("negative", 100)):
        for number in range(n_patients):
            patient = directory / label / f"p{first + number}"
            for session in ("s1", "s2") if number == 0 else ("s1",):
                for place, role in enumerate(("sustentada", "parlenda", "frase")):
                    if role == "frase" and number % 2:
                        continue
                    seed = (first + number) * 10 + place + (500 if session == "s2" else 0)
                    put_wav(patient / session / f"{role}.wav", sound(seed))
    return directory
