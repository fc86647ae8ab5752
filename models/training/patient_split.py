"""Who is trained on, who chooses the epoch and the thresholds, who judges: nobody twice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from appliance.core.errors import FieldError, InvalidRequest
from models.labelled.cases import LabelledCase
from models.labelled.faults import Faults
from models.labelled.splitting import parts


class Part(StrEnum):
    """What a patient's recordings are for."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Of the patients of each label; the rest are trained on. Above 0, below 1 together."""

    validation: float = 0.2
    test: float = 0.2


Split = dict[Part, tuple[LabelledCase, ...]]
"""The cases of each part: of each patient in one part alone, and of both labels in every part."""


def split_patients(
    cases: Sequence[LabelledCase], *, seed: int, shares: Shares, n_left_out: int = 0
) -> Split:
    """Return the cases of each part, stratified by label; the same seed gives the same parts.

    Args:
        cases: with one label a patient.
        seed: decides, with the patients' ids, who falls where.
        shares: of the parts.
        n_left_out: cases that are not among these, for the error.

    Raises:
        InvalidRequest: a patient has two labels, a share makes no sense, or there are too few
            patients for one of each label in every part.
    """
    _check_shares(shares)
    _check_labels(cases)
    of_train = 1.0 - shares.validation - shares.test
    wanted = {
        Part.TRAIN: of_train,
        Part.VALIDATION: shares.validation,
        Part.TEST: shares.test,
    }
    found = parts(cases, {part.value: share for part, share in wanted.items()}, seed=seed)
    split = {part: found[part.value] for part in Part}
    for part, its_cases in split.items():
        for positive, word in ((True, "positive"), (False, "negative")):
            if all(case.positive is not positive for case in its_cases):
                raise _too_few(cases, f"{part} would have nobody {word}", n_left_out)
    return split


def split_digest(split: Split) -> str:
    """Return the SHA-256, in hex, of sorted lines `part patient`."""
    lines = {f"{part} {case.patient_id}\n" for part, cases in split.items() for case in cases}
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def _check_shares(shares: Shares) -> None:
    faults = tuple(_share_faults(shares))
    if faults:
        raise InvalidRequest("The shares leave a part empty.", errors=faults)


def _share_faults(shares: Shares) -> Iterator[FieldError]:
    for name, share in (("validation", shares.validation), ("test", shares.test)):
        if not 0.0 < share < 1.0:
            yield FieldError(field=f"{name}_share", code="range", message="above 0, below 1")
    if shares.validation + shares.test >= 1.0:
        message = "both shares together must stay below 1"
        yield FieldError(field="test_share", code="range", message=message)


def _check_labels(cases: Sequence[LabelledCase]) -> None:
    """Refuse patients who are positive in one session and negative in another."""
    first: dict[str, LabelledCase] = {}
    faults = Faults()
    for case in cases:
        known = first.setdefault(case.patient_id, case)
        if known.positive is not case.positive:
            message = f"has one label in {known.id}, another in {case.id}: leave one of them out"
            faults.add(f"patient {case.patient_id}", message, code="label")
    faults.refuse_any()


def _too_few(cases: Sequence[LabelledCase], why: str, n_left_out: int) -> InvalidRequest:
    positive = {case.patient_id: case.positive for case in cases}
    n_positive = sum(positive.values())
    n_negative = len(positive) - n_positive
    return InvalidRequest(
        f"Too few patients for a split: {n_positive} positive, {n_negative} negative; {why}. "
        f"{n_left_out} sessions were left out: without a label, or without a recording that the "
        "model requires. Bring more, or give the parts other shares.",
        n_positive=n_positive,
        n_negative=n_negative,
        n_left_out=n_left_out,
    )
