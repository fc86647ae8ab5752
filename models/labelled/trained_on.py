"""Patients a model was trained on: known by their recordings, whatever an export calls them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from appliance.core.errors import FileMissing, InvalidRequest
from models.labelled.cases import LabelledCase, LabelledSet

TRAINED_ON: Final = "trained_on.sha256"
"""In a model directory: the SHA-256 of every recording it was trained on or its epoch and
thresholds were chosen by, one a line."""


def recordings_of(cases: Iterable[LabelledCase]) -> tuple[str, ...]:
    """Return the digests of all recordings, sorted."""
    return tuple(sorted({taken.sha256 for one in cases for taken in one.recordings.values()}))


def encode_trained_on(digests: Collection[str]) -> bytes:
    """Return the file."""
    return "".join(f"{digest}\n" for digest in sorted(digests)).encode("ascii")


def read_trained_on(directory: Path) -> frozenset[str] | None:
    """Return the digests of a model directory; None where it has no such file: nobody knows.

    An empty file says that the model was trained on nobody's recordings.

    Raises:
        FileMissing: the file is there and cannot be read.
    """
    try:
        content = (directory / TRAINED_ON).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FileMissing(f"{TRAINED_ON} cannot be read.", file=TRAINED_ON) from error
    return frozenset(content.decode("ascii", errors="replace").split())


def not_trained_on(labelled: LabelledSet, digests: Collection[str]) -> LabelledSet:
    """Return the set without the patients of whom any recording is among these.

    Raises:
        InvalidRequest: nobody of one label is left.
    """
    known = {
        case.patient_id
        for case in labelled.cases
        if any(taken.sha256 in digests for taken in case.recordings.values())
    }
    cases = tuple(case for case in labelled.cases if case.patient_id not in known)
    if known and len({case.positive for case in cases}) < len({True, False}):
        raise InvalidRequest(
            f"The model was trained on {len(known)} of these {labelled.n_patients} patients, and "
            "nobody of one label is left to judge it by. Bring patients that it has never heard.",
            n_patients=labelled.n_patients,
            n_trained_on=len(known),
        )
    return replace(labelled, cases=cases, n_trained_on=len(known))
