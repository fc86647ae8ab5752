"""Where patients are seen; each hospital brings its own rule for the RGH."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from appliance.core.ids import HospitalId
from appliance.core.rgh import RghRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Hospital:
    """A hospital of the list. Never deleted, since inferences name it."""

    id: HospitalId
    name: str
    rgh_rule: RghRule | None
    created_at: datetime
