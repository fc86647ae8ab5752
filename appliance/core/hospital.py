"""Where patients are seen; each hospital brings its own rule for the RGH."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from appliance.core.ids import HospitalId
from appliance.core.rgh import RghRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Hospital:
    """A hospital of the list. Never deleted, since inferences name it.

    Attributes:
        former_names: what it was called before; tablets that were away still say so.
    """

    id: HospitalId
    name: str
    rgh_rule: RghRule | None
    created_at: datetime
    former_names: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that means this hospital, the present one first."""
        return (self.name, *self.former_names)

    def renamed(self, name: str) -> Hospital:
        """Return it under another name, still known by its former ones."""
        former = dict.fromkeys((*self.former_names, self.name))
        former.pop(name, None)
        return replace(self, name=name, former_names=tuple(former))
