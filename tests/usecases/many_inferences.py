"""An export of as many inferences as one likes, none of which is kept anywhere.

Run as a program it writes one and prints the memory it took:
`python -m tests.usecases.many_inferences N_INFERENCES DIR`.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import cast

from appliance.core.export_choice import ExportChoice
from appliance.core.ids import ConsentId, InferenceId, RecordingId, ResultId
from appliance.core.inference import Consent, Inference, Recording
from appliance.core.protocol import parse_protocol
from appliance.core.result import Result
from appliance.ports import InferenceRecords, RecordingRecords
from appliance.usecases.export import ExportRecords, export_tables
from tests.builders import (
    NOON,
    a_consent,
    a_recording,
    a_result,
    an_attachment,
    an_audit,
    an_inference,
    an_installed_protocol,
    later,
)
from tests.contracts.records import Records
from tests.fakes import open_fake_records
from tests.fakes_io import FakeAudioStore

PROTOCOL = Path(__file__).parents[2] / "appliance" / "protocols" / "spira-2022.1.json"
ROLES = ("aceite", "ruido", "sustentada", "parlenda", "frase")
FORM = {"gender": "Feminino", "mask_type": "NONE", "covid_status": "FALSE", "spo2": 93, "age": 61}


CONSENT, RESULT, RECORDING, PLACE = a_consent(), a_result(), a_recording(), an_attachment()


def _id(kind: str, number: int) -> str:
    """Return an id; those that follow one another have nothing in common."""
    drawn = sha256(f"{kind} {number}".encode()).hexdigest()
    return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-8{drawn[17:20]}-{drawn[20:32]}"


@dataclass(kw_only=True)
class Made:
    """Inferences made when they are looked at, in the words of the two ports."""

    n: int
    protocol_id: str
    _numbers: dict[str, int] = field(default_factory=dict)

    def each(self, *, n_page: int = 500) -> Iterator[Inference]:  # noqa: ARG002 - the port's
        """See the port."""
        inference = an_inference(protocol_id=self.protocol_id)
        for number in range(self.n):
            inference_id = InferenceId(_id("inference", number))
            self._numbers = {inference_id: number}
            yield replace(
                inference,
                id=inference_id,
                form={**FORM, "rgh": f"{number // 3:08}A"},
                received_at=later(number),
                attachments=tuple(
                    replace(PLACE, role=role, recording_id=RecordingId(_id(role, number)))
                    for role in ROLES
                ),
            )

    def withdrawn(self) -> Iterator[tuple[Inference, Consent]]:
        """See the port: nobody took anything back."""
        return iter(())

    def consents(self, inference_id: InferenceId) -> tuple[Consent, ...]:
        """See the port."""
        return (replace(CONSENT, id=ConsentId(_id("consent", self._numbers[inference_id]))),)

    def results(self, inference_id: InferenceId) -> tuple[Result, ...]:
        """See the port."""
        result_id = ResultId(_id("result", self._numbers[inference_id]))
        return (replace(RESULT, id=result_id, inference_id=inference_id),)

    def recordings(self, ids: Sequence[RecordingId]) -> tuple[Recording, ...]:
        """See the port."""
        return tuple(replace(RECORDING, id=recording_id) for recording_id in ids)


def write(n: int, target: Path) -> None:
    """Write an export of so many."""
    records: Records = open_fake_records()
    document = PROTOCOL.read_bytes()
    protocol = parse_protocol(document)
    records.protocols.install(
        an_installed_protocol(id=protocol.id, sha256=protocol.sha256, document=document),
        audit=an_audit(),
    )
    made = Made(n=n, protocol_id=protocol.id)
    export_tables(
        target,
        pseudonym_key=bytes(32),
        choice=ExportChoice(),
        actor="console",
        progress=lambda _number: None,
        clock=lambda: NOON,
        new_id=lambda: "export-1",
        records=ExportRecords(
            protocols=records.protocols,
            inferences=cast("InferenceRecords", made),
            recordings=cast("RecordingRecords", made),
            audio=FakeAudioStore(),
            audit=records.audit,
        ),
    )


if __name__ == "__main__":
    write(int(sys.argv[1]), Path(sys.argv[2]))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)  # noqa: T201 - its answer
