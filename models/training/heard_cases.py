"""Labelled cases as a training hears them: which recordings count, and what they sound like."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from appliance.core.errors import InvalidRequest
from appliance.core.manifest import RoleInput
from appliance.core.resampling import resample
from models.labelled.cases import LabelledCase, LabelledRecording, read_waveform
from models.labelled.faults import Faults
from models.progress import Progress
from models.spiraconv.windows import RATE_HZ
from models.voices.cohort import ROLES

_FAIL = "fail"

Sounds = tuple[LabelledCase, dict[str, NDArray[np.float32]]]
"""A case, and role -> float32[n_samples] at 16 kHz."""


def roles_of(cases: Sequence[LabelledCase]) -> tuple[RoleInput, ...]:
    """Return what a model of these cases hears: whatever there is, required where nobody lacks it.

    Where somebody lacks each of them, those that fewest lack are required.
    """
    n_cases = Counter(role for case in cases for role in usable(case))
    most = max(n_cases.values(), default=0)
    return tuple(
        RoleInput(role=role, required=n_cases[role] == most) for role in ROLES if n_cases[role]
    )


def usable(case: LabelledCase) -> set[str]:
    """Return the roles of a judged case that the box would score: heard by models, not failed."""
    return {
        role for role, taken in case.recordings.items() if role in ROLES and taken.verdict != _FAIL
    }


def heard_by(cases: Iterable[LabelledCase], roles: Sequence[RoleInput]) -> Iterator[LabelledCase]:
    """Yield the cases that a model of these roles answers, with no other recordings than those."""
    required = {entry.role for entry in roles if entry.required}
    names = {entry.role for entry in roles}
    for case in cases:
        heard = usable(case) & names
        if heard and required <= heard:
            recordings: dict[str, LabelledRecording] = {
                role: case.recordings[role] for role in ROLES if role in heard
            }
            yield replace(case, recordings=recordings)


def one_session(cases: Iterable[LabelledCase]) -> tuple[LabelledCase, ...]:
    """Return one case a patient, the first by id: whoever came often is judged by once."""
    first: dict[str, LabelledCase] = {}
    for case in sorted(cases, key=lambda one: one.id):
        first.setdefault(case.patient_id, case)
    return tuple(first.values())


def n_recordings(cases: Iterable[LabelledCase]) -> int:
    """Return how many recordings the cases have."""
    return sum(len(case.recordings) for case in cases)


def digest_of(cases: Iterable[LabelledCase]) -> str:
    """Return the SHA-256, in hex, of sorted lines `audio label patient`, one a recording.

    `audio` is the SHA-256 of the file, `label` is positive or negative.
    """
    lines = sorted(
        f"{taken.sha256} {'positive' if case.positive else 'negative'} {case.patient_id}\n"
        for case in cases
        for taken in case.recordings.values()
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def label_of(case: LabelledCase) -> float:
    """Return 1.0 for patients with respiratory insufficiency, 0.0 for others."""
    return 1.0 if case.positive else 0.0


def sounds_of(
    cases: Sequence[LabelledCase], faults: Faults, *, step: str, progress: Progress
) -> list[Sounds]:
    """Return what the box would give to a graph, for each case.

    Args:
        cases: whom to hear.
        faults: told of each file that the box could not read; it is passed over.
        step: what `progress` is told.
        progress: told of every case.

    Raises:
        FileMissing: a file is gone.
    """
    found: list[Sounds] = []
    for number, case in enumerate(cases, start=1):
        sounds: dict[str, NDArray[np.float32]] = {}
        for role, taken in case.recordings.items():
            try:
                samples, rate_hz = read_waveform(taken.path)
            except InvalidRequest as error:
                for fault in error.errors:
                    faults.add(fault.field, fault.message, code=fault.code)
            else:
                sounds[role] = resample(samples, from_hz=rate_hz, to_hz=RATE_HZ)
        found.append((case, sounds))
        progress(step, number, len(cases))
    return found
