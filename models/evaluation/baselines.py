"""What the form alone, or the lengths alone, would say: regressions that never saw the patient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.evaluation.logistic import fit_logistic
from models.labelled.cases import LabelledCase
from models.labelled.splitting import folds

FORM_FIELDS: Final = ("age", "bpm", "respiratory_frequency", "spo2")
"""What a ward knows without a recording."""

N_FOLDS: Final = 5
_RIDGE: Final = 1.0
_LEAST_ANSWERED: Final = 0.5


def form_columns(
    cases: Sequence[LabelledCase],
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Return the fields that at least half of the cases answer, and float64[n, n_fields].

    NaN stands for an answer that is missing or no number.
    """
    table = np.array(
        [[_number(case.form.get(field)) for field in FORM_FIELDS] for case in cases],
        dtype=np.float64,
    ).reshape(len(cases), len(FORM_FIELDS))
    kept = np.mean(np.isfinite(table), axis=0) >= _LEAST_ANSWERED
    names = tuple(field for field, is_kept in zip(FORM_FIELDS, kept, strict=True) if is_kept)
    return names, table[:, kept]


def cross_validated(
    columns: NDArray[np.float64], cases: Sequence[LabelledCase], *, seed: int
) -> NDArray[np.float64]:
    """Return float64[n] of logits, each from a fit that knew nothing of the patient.

    Columns are standardized by the other folds; a missing value is their mean, and that it is
    missing is a column of its own.

    Args:
        columns: float64[n, n_columns], NaN where missing.
        cases: whose they are.
        seed: of the five folds; no patient is in two of them.

    Raises:
        ValueError: a fold lacks a label: too few patients.
    """
    positive = np.array([case.positive for case in cases], dtype=np.float64)
    of_fold = np.array(folds(cases, N_FOLDS, seed=seed))
    found = np.zeros(len(cases))
    for fold in range(N_FOLDS):
        own = of_fold == fold
        mean, spread = _moments(columns[~own])
        fitted = fit_logistic(_filled(columns[~own], mean, spread), positive[~own], ridge=_RIDGE)
        if fitted is None:
            raise ValueError("too few patients of a label for a fit")
        found[own] = fitted.logits(_filled(columns[own], mean, spread))
    return found


def _moments(columns: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    known = np.isfinite(columns)
    n = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, columns, 0).sum(axis=0) / n
    spread = np.sqrt((np.where(known, columns - mean, 0) ** 2).sum(axis=0) / n)
    return mean, np.where(spread > 0, spread, 1.0)


def _filled(
    columns: NDArray[np.float64], mean: NDArray[np.float64], spread: NDArray[np.float64]
) -> NDArray[np.float64]:
    known = np.isfinite(columns)
    return np.column_stack((np.where(known, (columns - mean) / spread, 0.0), ~known))


def _number(answer: object) -> float:
    known = isinstance(answer, int | float) and not isinstance(answer, bool)
    return float(answer) if known else float("nan")  # type: ignore[arg-type]
