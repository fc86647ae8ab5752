"""Who is trained on, who chooses the epoch and the thresholds, who judges: nobody twice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from appliance.core.errors import FieldError, InvalidRequest

N_LEAST: Final = 3
"""Patients of each label: one in each part."""


class Part(StrEnum):
    """What a patient's recordings are for."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


PARTS: Final = tuple(Part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Of the patients of each label; the rest are trained on. Above 0, below 1 together."""

    validation: float = 0.2
    test: float = 0.2


def split_patients(positive: Mapping[str, bool], *, seed: int, shares: Shares) -> dict[str, Part]:
    """Return each patient's part; both labels are in every part, in its share to one patient.

    Within a label patients are ranked by the SHA-256 of seed and patient: the order of a table
    decides nothing, and a later patient moves few of the others to another part.

    Args:
        positive: patient -> label.
        seed: another one, another split.
        shares: of the parts.

    Raises:
        InvalidRequest: a label has fewer than three patients, or a share leaves a part empty.
    """
    _check(positive, shares)
    parts: dict[str, Part] = {}
    for label in (True, False):
        alike = [patient for patient in positive if positive[patient] is label]
        alike.sort(key=lambda patient: _rank(seed, patient))
        n_test = max(1, round(shares.test * len(alike)))
        n_validation = max(1, round(shares.validation * len(alike)))
        while n_test + n_validation >= len(alike):  # rounding up both may leave nobody to train on
            n_test, n_validation = max(1, n_test - 1), max(1, n_validation - 1)
        for place, patient in enumerate(alike):
            parts[patient] = _part(place, n_test, n_validation)
    return parts


def split_digest(parts: Mapping[str, Part]) -> str:
    """Return the SHA-256, in hex, of sorted lines `part patient`."""
    lines = sorted(f"{part} {patient}\n" for patient, part in parts.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _rank(seed: int, patient: str) -> bytes:
    return hashlib.sha256(f"{seed} {patient}".encode()).digest()


def _part(place: int, n_test: int, n_validation: int) -> Part:
    if place < n_test:
        return Part.TEST
    return Part.VALIDATION if place < n_test + n_validation else Part.TRAIN


def _check(positive: Mapping[str, bool], shares: Shares) -> None:
    faults = tuple(_faults(shares))
    if faults:
        raise InvalidRequest("The shares leave a part empty.", errors=faults)
    n_positive = sum(positive.values())
    n_negative = len(positive) - n_positive
    if min(n_positive, n_negative) < N_LEAST:
        raise InvalidRequest(
            f"Too few patients for a split: {n_positive} positive, {n_negative} negative; of each "
            f"{N_LEAST} are the least, one to train on, one to choose by, one to judge by.",
            n_positive=n_positive,
            n_negative=n_negative,
        )


def _faults(shares: Shares) -> Iterator[FieldError]:
    for name, share in (("validation", shares.validation), ("test", shares.test)):
        if not 0.0 < share < 1.0:
            yield FieldError(field=f"{name}_share", code="range", message="above 0, below 1")
    if shares.validation + shares.test >= 1.0:
        message = "both shares together must stay below 1"
        yield FieldError(field="test_share", code="range", message=message)
