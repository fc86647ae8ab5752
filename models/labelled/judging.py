"""Whether a recording is good enough, judged as the box judges it where no box did.

Training and evaluation ask here alone, so that nothing is learned from what is never answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

from appliance.core.errors import InvalidRequest
from appliance.core.quality import ROOM_NOISE_ROLE, Measures, Verdict, judge, measure, room_noise_db
from models.labelled.cases import LabelledCase, read_waveform
from models.labelled.protocols import shipped_protocol


class Judge:
    """Judges by the limits of the first of a model's protocols that ships with this release."""

    def __init__(self, protocol_ids: Iterable[str]) -> None:
        """Know the limits; where no protocol is here there are none."""
        protocol = shipped_protocol(protocol_ids)
        tasks = protocol.recordings if protocol else ()
        self._limits = {task.role: task.limits for task in tasks}

    def verdicts(self, case: LabelledCase, measures: Mapping[str, Measures]) -> dict[str, str]:
        """Return the verdict on each recording that was measured, a box's own if there is one."""
        noise = measures.get(ROOM_NOISE_ROLE)
        noise_db = room_noise_db(noise) if noise else None
        return {
            role: case.recordings[role].verdict or self._judged(role, found, noise_db)
            for role, found in measures.items()
        }

    def judged(self, case: LabelledCase) -> LabelledCase:
        """Return the case with a verdict on each recording that can be read.

        Raises:
            FileMissing: a file is gone.
        """
        if all(taken.verdict is not None for taken in case.recordings.values()):
            return case
        measures: dict[str, Measures] = {}
        for role, taken in case.recordings.items():
            with suppress(InvalidRequest):  # told with all others when it is heard
                measures[role] = measure(*read_waveform(taken.path))
        verdicts = self.verdicts(case, measures)
        recordings = {
            role: replace(taken, verdict=verdicts.get(role, taken.verdict))
            for role, taken in case.recordings.items()
        }
        return replace(case, recordings=recordings)

    def _judged(self, role: str, measures: Measures, noise_db: float | None) -> str:
        if role not in self._limits:
            return Verdict.OK
        return judge(measures, self._limits[role], room_noise_db=noise_db).verdict
