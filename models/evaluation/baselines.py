"""What the form alone, or the lengths alone, would say: regressions that never saw the patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.evaluation.areas import Draws, won_pairs
from models.evaluation.form_answers import FormAnswer
from models.evaluation.logistic import fit_logistic
from models.labelled.cases import LabelledCase
from models.labelled.splitting import folds

N_FOLDS: Final = 5
N_ROUNDS: Final = 10
"""Of folds: one alone leaves most pairs of patients out of the area."""
_RIDGE: Final = 1.0
_LEAST_ANSWERED: Final = 0.5


def form_columns(
    cases: Sequence[LabelledCase], answers: Sequence[FormAnswer]
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Return the fields that tell cases apart, and float64[n, n_columns] of what they say.

    A field counts that at least half of the cases answer, or that the model is told. A number is
    a column, NaN where the answer is missing or no number. A coded answer is a column of 0 and 1
    for each code there is; that it is missing is a code, too.
    """
    names: list[str] = []
    found: list[NDArray[np.float64]] = []
    for answer in answers:
        given = [case.form.get(answer.name) for case in cases]
        known = np.array([value is not None for value in given], dtype=np.bool_)
        if not known.any() or not (answer.of_model or known.mean() >= _LEAST_ANSWERED):
            continue
        columns = _codes(given) if answer.coded else _numbers(given)
        if columns is not None:
            names.append(answer.name)
            found.append(columns)
    return tuple(names), np.hstack(found) if found else np.zeros((len(cases), 0))


def _codes(given: Sequence[object]) -> NDArray[np.float64] | None:
    """Return float64[n, n_codes]; None where all cases have the same."""
    spelled = [None if value is None else str(value) for value in given]
    codes = sorted(set(spelled), key=lambda code: (code is None, code or ""))
    if len(codes) == 1:
        return None
    return np.array([[code == own for code in codes] for own in spelled], dtype=np.float64)


def _numbers(given: Sequence[object]) -> NDArray[np.float64] | None:
    """Return float64[n, 1]; None where no answer is a number."""
    column = np.array([[_number(value)] for value in given], dtype=np.float64)
    return column if np.isfinite(column).any() else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossValidated:
    """Scores of cases, each from a fit that knew nothing of the patient.

    Attributes:
        logits: float64[n_rounds, n].
        of_fold: int64[n_rounds, n]: only scores of one fold come from one fit.
    """

    logits: NDArray[np.float64]
    of_fold: NDArray[np.int64]

    def areas(self, positive: NDArray[np.bool_], draws: Draws) -> NDArray[np.float64]:
        """Return float64[n_draws] of areas over pairs of one fold.

        Scores of two folds come from two fits: who is in a fold with more patients of a label was
        judged by a fit with fewer of them, so that an area over all pairs would be under 0.5 where
        there is nothing to tell (Forman and Scholz, SIGKDD Explorations 12, 2010).
        """
        return self._areas(self.logits, positive, draws)

    def areas_of(
        self, score: NDArray[np.float64], positive: NDArray[np.bool_], draws: Draws
    ) -> NDArray[np.float64]:
        """Return the same of another score, float64[n], over the very same pairs."""
        return self._areas(np.broadcast_to(score, self.logits.shape), positive, draws)

    def _areas(
        self, scores: NDArray[np.float64], positive: NDArray[np.bool_], draws: Draws
    ) -> NDArray[np.float64]:
        weights = draws.weights
        won, pairs = np.zeros(len(weights)), np.zeros(len(weights))
        for score, of_fold in zip(scores, self.of_fold, strict=True):
            for fold in range(N_FOLDS):
                own = of_fold == fold
                more = won_pairs(score[own], positive[own], weights[:, own])
                won, pairs = won + more[0], pairs + more[1]
        return np.divide(won, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)


def cross_validated(
    columns: NDArray[np.float64], cases: Sequence[LabelledCase], *, seed: int
) -> CrossValidated:
    """Return logits, each from a fit that knew nothing of the patient, in ten rounds of folds.

    Columns are standardized by the other folds; a missing value is their mean, and that it is
    missing is a column of its own.

    Args:
        columns: float64[n, n_columns], NaN where missing.
        cases: whose they are.
        seed: of the rounds of five folds; no patient is in two folds of a round.

    Raises:
        ValueError: a fold lacks a label: too few patients.
    """
    positive = np.array([case.positive for case in cases], dtype=np.float64)
    rounds = [folds(cases, N_FOLDS, seed=seed + number) for number in range(N_ROUNDS)]
    of_fold = np.array(rounds, dtype=np.int64)
    logits = np.array([_fold_logits(columns, positive, own) for own in of_fold])
    return CrossValidated(logits=logits, of_fold=of_fold)


def _fold_logits(
    columns: NDArray[np.float64], positive: NDArray[np.float64], of_fold: NDArray[np.int64]
) -> NDArray[np.float64]:
    found = np.zeros(positive.size)
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
