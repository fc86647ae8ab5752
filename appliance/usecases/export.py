"""Take the data out: tables for analysis, without anything that names a patient.

All or nothing: a directory without SHA256SUMS is none of ours, or not yet whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TextIO

from appliance import __version__
from appliance.core.audit import AuditAction, audited
from appliance.core.codebook import AGE, HEADER, RGH, codebook_rows, form_columns
from appliance.core.csv_text import Cell, csv_row
from appliance.core.data_package import NAME as PACKAGE
from appliance.core.data_package import WrittenFile, data_package
from appliance.core.errors import RecordDamaged
from appliance.core.export_columns import (
    ConsentRow,
    InferenceRow,
    RecordingRow,
    cells,
    header,
    only,
)
from appliance.core.export_readme import README
from appliance.core.export_recordings import RECORDINGS
from appliance.core.export_tables import CONSENTS, INFERENCES, RESULTS
from appliance.core.ids import RecordingId
from appliance.core.inference import Attachment, Consent, Inference, Recording
from appliance.core.patterns import UUID
from appliance.core.protocol import Protocol
from appliance.core.pseudonym import id_pseudonym, patient_pseudonym, study_key
from appliance.core.quality import ROOM_NOISE_ROLE, room_noise_db
from appliance.core.result import Result
from appliance.core.small_groups import K, SmallGroups
from appliance.ports import (
    AuditRecords,
    Clock,
    InferenceRecords,
    NewId,
    ProtocolRecords,
    RecordingRecords,
)
from appliance.usecases.protocols import parsed
from appliance.usecases.whole_directory import (
    file_faults,
    file_sha256,
    sha256_sums,
    whole_directory,
)

SUMS: Final = "SHA256SUMS"
PROVENANCE: Final = "provenance.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRecords:
    """The records an export reads, and the audit it is written in."""

    protocols: ProtocolRecords
    inferences: InferenceRecords
    recordings: RecordingRecords
    audit: AuditRecords


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSaid:
    """A version of a model of which results are in an export."""

    name: str
    version: str | None
    graph_sha256: str | None


@dataclass(slots=True, kw_only=True)
class ExportCounts:
    """How much was written; `n_without_consent` inferences were left out."""

    n_inferences: int = 0
    n_results: int = 0
    n_recordings: int = 0
    n_without_consent: int = 0


def export_tables(
    target: Path,
    *,
    pseudonym_key: bytes,
    study: str | None,
    actor: str,
    progress: Callable[[int], None],
    clock: Clock,
    new_id: NewId,
    records: ExportRecords,
) -> ExportCounts:
    """Write all inferences whose consent stands into a new directory; same rows, same bytes.

    Args:
        target: does not exist, or is empty.
        pseudonym_key: 32 bytes of this box.
        study: its pseudonyms are its own; None: those of the box.
        actor: who takes the data out.
        progress: told the number of inferences looked at, from time to time.

    Returns:
        What was written.

    Raises:
        InvalidRequest: the name of the study is none.
        TargetNotEmpty: nothing was touched.
        TargetUnwritable, DiskFull: nothing is left behind.
    """
    key = pseudonym_key if study is None else study_key(pseudonym_key, study)
    protocols = tuple(parsed(installed) for installed in records.protocols.protocols())
    with whole_directory(target, marker=SUMS) as building:
        tables = _written_tables(building, protocols, key, records, progress=progress)
        with file_faults():
            _describe(building, protocols, tables, study)
            (building / SUMS).write_text(sha256_sums(building), encoding="ascii")
        counts = asdict(tables.counts)
        now = clock()
        entry = audited(AuditAction.EXPORTED, new_id(), at=now, actor=actor, study=study, **counts)
        records.audit.append(entry)
    return tables.counts


def _written_tables(
    building: Path,
    protocols: Sequence[Protocol],
    key: bytes,
    records: ExportRecords,
    *,
    progress: Callable[[int], None],
) -> _Tables:
    """Write what people read first, then the tables; return what was counted on the way."""
    with file_faults():
        (building / "README.txt").write_text(README, encoding="utf-8", newline="\r\n")
        _write(building / "codebook.csv", (HEADER, *codebook_rows(protocols)))
    tables = _Tables(building, protocols, key)
    try:
        for number, inference in enumerate(records.inferences.each(), start=1):
            tables.add(inference, records)
            progress(number)
    finally:
        tables.close()
    return tables


def _room_noise_db(
    attached: Mapping[RecordingId, Attachment], recordings: Iterable[Recording]
) -> float | None:
    """Return the noise that recordings were judged by; None where the room was not recorded."""
    for recording in recordings:
        place = attached[recording.id]
        if place.role == ROOM_NOISE_ROLE and place.chosen:
            return room_noise_db(recording.measures)
    return None


def _describe(
    building: Path, protocols: Sequence[Protocol], tables: _Tables, study: str | None
) -> None:
    """Write what programs read of the tables, and where all of it comes from."""
    written = {
        path.name: WrittenFile(n_bytes=path.stat().st_size, sha256=file_sha256(path))
        for path in building.glob("*.csv")
    }
    provenance = {
        "box": {"version": __version__},
        "options": {"study": study},
        "protocols": [{"id": one.id, "sha256": one.sha256} for one in protocols],
        "models": [asdict(one) for one in sorted(tables.models, key=str)],
        "counts": asdict(tables.counts),
        "small_groups": {
            "k": K,
            "by": ["hospital_id", "age in decades", "gender"],
            "n_groups": tables.groups.n_groups,
            "n_patients": tables.groups.n_patients,
        },
        "newest_record_at": tables.newest_at and tables.newest_at.isoformat(),
    }
    for name, document in ((PACKAGE, data_package(protocols, written)), (PROVENANCE, provenance)):
        text = json.dumps(document, ensure_ascii=False, indent=2)
        (building / name).write_text(f"{text}\n", encoding="utf-8")


def _write(path: Path, rows: Iterable[Sequence[Cell]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(csv_row(row) for row in rows)


class _Tables:
    """The tables, written row by row, so that memory does not grow with what they hold."""

    def __init__(
        self, directory: Path, protocols: Sequence[Protocol], pseudonym_key: bytes
    ) -> None:
        """Open the files and write their headers."""
        self.counts = ExportCounts()
        self.models: set[ModelSaid] = set()
        self.groups = SmallGroups()
        self.newest_at: datetime | None = None
        self._form = form_columns(protocols)
        self._languages = frozenset(name for one in protocols for name in one.languages)
        self._key = pseudonym_key
        self._files = ExitStack()
        names = (*header(INFERENCES), *(column.name for column in self._form))
        self._inferences = self._open(directory / "inferences.csv", names)
        self._results = self._open(directory / "results.csv", header(RESULTS))
        self._recordings = self._open(directory / "recordings.csv", header(RECORDINGS))
        self._consents = self._open(directory / "consents.csv", header(CONSENTS))

    def close(self) -> None:
        """Close all files."""
        with file_faults():
            self._files.close()

    def add(self, inference: Inference, records: ExportRecords) -> None:
        """Write the rows of one inference, unless its consent does not stand.

        Raises:
            RecordDamaged: something of it cannot be found; a withdrawal may be among that.
        """
        consents = records.inferences.consents(inference.id)
        if not consents:
            raise RecordDamaged(table="consents", record=inference.id)
        current = consents[-1]
        if not current.decision.allows_recordings:
            self.counts.n_without_consent += 1
            return
        results = records.inferences.results(inference.id)
        attached = {a.recording_id: a for a in inference.attachments}
        recordings = records.recordings.recordings(tuple(attached))
        if len(recordings) != len(attached):
            raise RecordDamaged(table="recordings", record=inference.id)
        noise_db = _room_noise_db(attached, recordings)
        with file_faults():
            self._add_inference(inference, current)
            for consent in consents:
                row = ConsentRow(
                    inference_id=inference.id, consent=consent, languages=self._languages
                )
                self._consents.write(csv_row(cells(CONSENTS, row)))
            for result in results:
                self._results.write(csv_row(cells(RESULTS, result)))
            for recording in recordings:
                taken = RecordingRow(
                    inference_id=inference.id,
                    attachment=attached[recording.id],
                    recording=recording,
                    room_noise_db=noise_db,
                )
                self._recordings.write(csv_row(cells(RECORDINGS, taken)))
        self._note(inference, results)
        self.counts.n_inferences += 1
        self.counts.n_results += len(results)
        self.counts.n_recordings += len(recordings)

    def _note(self, inference: Inference, results: Sequence[Result]) -> None:
        """Remember which models spoke, and how new the newest record is."""
        self.models |= {
            ModelSaid(name=r.model_name, version=r.model_version, graph_sha256=r.graph_sha256)
            for r in results
        }
        computed = (result.computed_at for result in results)
        instants = (self.newest_at, inference.received_at, *computed)
        self.newest_at = max(at for at in instants if at is not None)

    def _add_inference(self, inference: Inference, consent: Consent) -> None:
        rgh = inference.form.get(RGH)
        patient_id = None
        if isinstance(rgh, str):
            patient_id = patient_pseudonym(self._key, inference.hospital_id, rgh)
            self.groups.add(
                patient_id,
                hospital_id=inference.hospital_id or "",
                age=inference.form.get(AGE),
                sex=str(inference.form.get("gender") or ""),
            )
        row = InferenceRow(
            inference=inference,
            patient_id=patient_id,
            user_id=id_pseudonym(self._key, "user", inference.user_id),
            tablet_id=id_pseudonym(self._key, "tablet", only(UUID, inference.tablet_id)),
            consent=consent,
        )
        answers = (column.cell(inference) for column in self._form)
        self._inferences.write(csv_row((*cells(INFERENCES, row), *answers)))

    def _open(self, path: Path, names: Sequence[str]) -> TextIO:
        with file_faults():
            file = self._files.enter_context(path.open("w", encoding="utf-8", newline=""))
            file.write(csv_row(names))
            return file
