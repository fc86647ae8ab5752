"""How far two model versions say the same of the same inferences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from appliance.core.diagnosis import Diagnosis
from appliance.core.ids import InferenceId

ORDER = (Diagnosis.POSITIVE, Diagnosis.NEGATIVE, Diagnosis.INCONCLUSIVE)
"""Rows and columns of the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What both said of one inference.

    Attributes:
        patient: the same for two visits of one patient. It identifies: counted, never told.
        is_test: it says nothing of a patient.
    """

    inference_id: InferenceId
    patient: str
    is_test: bool
    first: Diagnosis
    second: Diagnosis
    first_probability: float | None
    second_probability: float | None

    @property
    def is_flip(self) -> bool:
        """Whether they said different things."""
        return self.first is not self.second


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Two versions compared; None where there is nothing to divide by.

    Attributes:
        n_patients: who the pairs are of; the test takes pairs for independent.
        table: counts; rows are what the first said, columns the second, both as in `ORDER`.
        agreement: share of inferences of which both said the same, of all 3 answers.
        kappa: Cohen's kappa over the 3 answers (Cohen 1960).
        n_first_only, n_second_only: of those where neither was inconclusive: positive by one alone.
        mcnemar_p: two-sided exact McNemar test of these two counts.
    """

    table: tuple[tuple[int, ...], ...]
    n_pairs: int
    n_patients: int
    agreement: float | None
    kappa: float | None
    n_first_only: int
    n_second_only: int
    mcnemar_p: float


def compare(pairs: Iterable[Pair]) -> Agreement:
    """Return how far the two of each pair agree."""
    counts = dict.fromkeys(((a, b) for a in ORDER for b in ORDER), 0)
    patients = set()
    for pair in pairs:
        counts[pair.first, pair.second] += 1
        patients.add(pair.patient)
    table = tuple(tuple(counts[a, b] for b in ORDER) for a in ORDER)
    n_pairs = sum(map(sum, table))
    first_only = counts[Diagnosis.POSITIVE, Diagnosis.NEGATIVE]
    second_only = counts[Diagnosis.NEGATIVE, Diagnosis.POSITIVE]
    n_same = sum(table[place][place] for place in range(len(ORDER)))
    return Agreement(
        table=table,
        n_pairs=n_pairs,
        n_patients=len(patients),
        agreement=n_same / n_pairs if n_pairs else None,
        kappa=cohens_kappa(table),
        n_first_only=first_only,
        n_second_only=second_only,
        mcnemar_p=mcnemar_exact(first_only, second_only),
    )


def cohens_kappa(table: Sequence[Sequence[int]]) -> float | None:
    """Return (p_o - p_e) / (1 - p_e), Cohen 1960.

    None without pairs, and where both always said one and the same thing: p_e is 1.

    Args:
        table: square counts, rows by the first rater, columns by the second.
    """
    total: int = sum(map(sum, table))
    rows = [sum(row) for row in table]
    columns = [sum(column) for column in zip(*table, strict=True)]
    expected: int = sum(a * b for a, b in zip(rows, columns, strict=True))
    if expected == total * total:
        return None
    observed: int = sum(row[place] for place, row in enumerate(table))
    return (observed * total - expected) / (total * total - expected)


def mcnemar_exact(n_first_only: int, n_second_only: int) -> float:
    """Return the two-sided p of McNemar's test by the binomial distribution with p = 1/2.

    Exact in integers whatever the counts; 1.0 where the two never differ.
    """
    n_differing = n_first_only + n_second_only
    tail, ways = 0, 1
    for k in range(min(n_first_only, n_second_only) + 1):
        tail += ways
        ways = ways * (n_differing - k) // (k + 1)
    return min(1.0, 2 * tail / (1 << n_differing))
