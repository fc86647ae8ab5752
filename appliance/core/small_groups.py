"""How many patients stand in a group so small that they could be told apart (k-anonymity).

Sweeney, "k-anonymity: a model for protecting privacy", 2002: whoever knows a few traits of a person
finds a row that no k - 1 others share.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from appliance.core.form_columns import TOP_AGE

K: Final = 5
"""Patients that a group has at least, so as not to be small."""

YEARS_A_GROUP: Final = 10


@dataclass(slots=True)
class SmallGroups:
    """Groups of patients by hospital, age in decades and sex; memory grows with groups alone.

    Ages over 89 are one group, as exports tell them. A patient who had a birthday between two
    visits may be in two groups.
    """

    _patients: dict[tuple[str, str, str], set[str]] = field(default_factory=dict)

    def add(self, patient_id: str, *, hospital_id: str, age: object, sex: str) -> None:
        """Count a patient in; the same one counts once."""
        told = min(int(age), TOP_AGE) if isinstance(age, int | float) else None
        decade = "" if told is None else str(told // YEARS_A_GROUP)
        group = self._patients.setdefault((hospital_id, decade, sex), set())
        if len(group) < K:
            group.add(patient_id)

    @property
    def n_groups(self) -> int:
        """How many groups are small."""
        return sum(1 for _ in self._small())

    @property
    def n_patients(self) -> int:
        """How many patients are in small groups; who is in two of them is one patient."""
        return len(set[str]().union(*self._small()))

    def _small(self) -> Iterator[set[str]]:
        return (patients for patients in self._patients.values() if len(patients) < K)
