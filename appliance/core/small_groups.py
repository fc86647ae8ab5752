"""How many patients stand in a group so small that they could be told apart (k-anonymity).

Sweeney, "k-anonymity: a model for protecting privacy", 2002: whoever knows a few traits of a person
finds a row that no k - 1 others share.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

K: Final = 5
"""Patients that a group has at least, so as not to be small."""

YEARS_A_GROUP: Final = 10


@dataclass(slots=True)
class SmallGroups:
    """Groups of patients by hospital, age in decades and sex; memory grows with groups alone."""

    _patients: dict[tuple[str, str, str], set[str]] = field(default_factory=dict)

    def add(self, patient_id: str, *, hospital_id: str, age: object, sex: str) -> None:
        """Count a patient in; the same one counts once."""
        decade = str(int(age) // YEARS_A_GROUP) if isinstance(age, int | float) else ""
        group = self._patients.setdefault((hospital_id, decade, sex), set())
        if len(group) < K:
            group.add(patient_id)

    @property
    def n_groups(self) -> int:
        """How many groups are small."""
        return sum(len(patients) < K for patients in self._patients.values())

    @property
    def n_patients(self) -> int:
        """How many patients are in small groups."""
        return sum(len(patients) for patients in self._patients.values() if len(patients) < K)
