"""Parts and folds of labelled data that share no patient; the same seed gives the same ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from models.labelled.cases import LabelledCase


def parts(
    cases: Sequence[LabelledCase], shares: Mapping[str, float], *, seed: int
) -> dict[str, tuple[LabelledCase, ...]]:
    """Return the cases of each part, in their order; each label is divided by the same shares.

    Args:
        cases: of any number of patients.
        shares: part -> share of the patients, above 0; together they are 1.
        seed: decides who falls where, together with the patients' ids alone.

    Raises:
        ValueError: the shares are not above 0 or not 1 together.
    """
    if min(shares.values()) <= 0 or abs(sum(shares.values()) - 1) > 1e-9:  # noqa: PLR2004
        raise ValueError("shares are above 0 and together 1")
    place: dict[str, str] = {}
    for patients in _by_label(cases, seed):
        ends = _ends(list(shares.values()), len(patients))
        for name, start, end in zip(shares, [0, *ends[:-1]], ends, strict=True):
            place |= dict.fromkeys(patients[start:end], name)
    return {name: tuple(c for c in cases if place[c.patient_id] == name) for name in shares}


def folds(cases: Sequence[LabelledCase], n_folds: int, *, seed: int) -> tuple[int, ...]:
    """Return the fold of each case, 0 to n_folds - 1; the labels are spread evenly.

    Raises:
        ValueError: fewer than two folds.
    """
    if n_folds < 2:  # noqa: PLR2004
        raise ValueError("at least two folds")
    place = {
        patient: rank % n_folds
        for patients in _by_label(cases, seed)
        for rank, patient in enumerate(patients)
    }
    return tuple(place[case.patient_id] for case in cases)


def _by_label(cases: Iterable[LabelledCase], seed: int) -> tuple[list[str], list[str]]:
    """Return patients who ever were positive, and the others, both in an order by seed."""
    positive: dict[str, bool] = {}
    for case in cases:
        positive[case.patient_id] = positive.get(case.patient_id, False) or case.positive
    order = sorted(positive, key=lambda patient: _key(patient, seed))
    return [p for p in order if positive[p]], [p for p in order if not positive[p]]


def _key(patient: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed} {patient}".encode()).digest()


def _ends(shares: Sequence[float], n: int) -> list[int]:
    ends = [round(sum(shares[: index + 1]) * n) for index in range(len(shares))]
    ends[-1] = n
    return ends
