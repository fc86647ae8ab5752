"""The rows of an export: which inferences are in it, and how each becomes lines of the tables."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from appliance.core.csv_text import Cell, csv_row, plain_text
from appliance.core.errors import FieldError, InvalidRequest, RecordDamaged
from appliance.core.export_audio import Sound, may_leave, n_bytes_alone, sound_alone, sound_path
from appliance.core.export_choice import ExportChoice
from appliance.core.export_columns import (
    Column,
    ConsentRow,
    InferenceRow,
    RecordingRow,
    cells,
    header,
    texts_of,
)
from appliance.core.export_found import ExportCounts, Found, ModelSaid, is_test, noise_of_room
from appliance.core.export_names import Names
from appliance.core.export_recordings import RECORDINGS
from appliance.core.export_tables import CONSENTS, INFERENCES, RESULTS
from appliance.core.form_columns import AGE, FormColumn, form_columns
from appliance.core.ids import Sha256
from appliance.core.inference import (
    Attachment,
    Consent,
    ConsentDecision,
    Inference,
    Recording,
)
from appliance.core.protocol import Protocol
from appliance.core.result import Result
from appliance.core.small_groups import SmallGroups
from appliance.core.withdrawals import Withdrawals
from appliance.ports import AudioStore, InferenceRecords, RecordingRecords
from appliance.usecases.sorted_lines import SortedLines
from appliance.usecases.whole_directory import file_faults


class ExportRows:
    """The tables, written block by block, so that memory does not grow with what they hold."""

    def __init__(
        self,
        building: Path,
        aside: Path,
        protocols: Sequence[Protocol],
        choice: ExportChoice,
        names: Names,
        sounds: AudioStore,
        withdrawals: Withdrawals,
    ) -> None:
        """Begin empty tables.

        Args:
            building: where the export is made.
            aside: where lines wait to be put in order.
            protocols: whose fields are columns.
            choice: what was asked for.
            names: what things are called.
            sounds: read only if they were asked for.
            withdrawals: who took consent back.

        Raises:
            InvalidRequest: a condition is on a column that is not in the export, or cannot hold.
        """
        self.counts = ExportCounts()
        self.models: set[ModelSaid] = set()
        self.newest_at: datetime | None = None
        self._groups = SmallGroups()
        self._building = building
        self._choice = choice
        self._names = names
        self._sounds = sounds
        self._withdrawals = withdrawals
        self._form = form_columns(protocols, identified=choice.identified)
        self._said = texts_of(protocols)
        columns = (*header(INFERENCES), *(column.name for column in self._form))
        self._where = _places(choice.where, (*INFERENCES, *self._form))
        self._headers = {
            "inferences.csv": columns,
            "results.csv": header(RESULTS),
            "recordings.csv": header(RECORDINGS),
            "consents.csv": header(CONSENTS),
        }
        self._lines = {name: SortedLines(aside, name) for name in self._headers}

    def add(
        self, inference: Inference, inferences: InferenceRecords, recordings: RecordingRecords
    ) -> None:
        """Take one inference in, unless it was not asked for or its consent does not stand.

        Raises:
            RecordDamaged: something of it cannot be found; a withdrawal may be among that.
            AudioMissing, AudioDamaged: its sound, where that was asked for.
        """
        if self._choice.since is not None and inference.received_at < self._choice.since:
            return
        consents = inferences.consents(inference.id)
        if not consents:
            raise RecordDamaged(table="consents", record=inference.id)
        results = inferences.results(inference.id)
        if not self._is_let_in(inference, consents[-1], results):
            return
        ids = tuple(one.recording_id for one in inference.attachments)
        found = Found(
            inference=inference,
            consents=consents,
            results=tuple(r for r in results if self._choice.include_test or not r.demonstration),
            recordings=recordings.recordings(ids),
        )
        if len(found.recordings) != len(ids):
            raise RecordDamaged(table="recordings", record=inference.id)
        self._write(found)

    def finish(self) -> None:
        """Write the tables in order, and count what only the whole tells."""
        for name, lines in self._lines.items():
            with (
                file_faults(),
                (self._building / name).open("w", encoding="utf-8", newline="") as file,
            ):
                file.write(csv_row(self._headers[name]))
                lines.write_to(file)
        self.counts.n_small_groups = self._groups.n_groups
        self.counts.n_in_small_groups = self._groups.n_patients

    def _is_let_in(self, inference: Inference, consent: Consent, results: Sequence[Result]) -> bool:
        """Return whether an inference may be told of; count why not."""
        if not self._withdrawals.allow(inference, consent):
            self.counts.n_without_consent += 1
        elif consent.decision is ConsentDecision.UNVERIFIED and not (
            self._choice.include_unverified
        ):
            self.counts.n_unverified += 1
        elif not self._choice.include_test and is_test(inference, results):
            self.counts.n_test += 1
        else:
            return True
        return False

    def _write(self, found: Found) -> None:
        inference, names = found.inference, self._names
        patient_id = names.patient(inference)
        calendar = names.calendar(inference, patient_id)
        row = InferenceRow(
            inference=names.inference(inference), patient_id=patient_id, consent=found.consent
        )
        answers = (column.cell(inference, calendar) for column in self._form)
        told = (*cells(INFERENCES, row, calendar), *answers)
        if not all(plain_text(told[place]) in texts for place, texts in self._where):
            return
        owner = row.inference.id
        results = map(names.result, found.results)
        self._add("inferences.csv", owner, (told,))
        self._add("results.csv", owner, (cells(RESULTS, one, calendar) for one in results))
        self._add(
            "recordings.csv",
            owner,
            (cells(RECORDINGS, one, calendar) for one in self._taken(found, row)),
        )
        self._add(
            "consents.csv",
            owner,
            (cells(CONSENTS, one, calendar) for one in self._decided(found, row)),
        )
        self._note(found, patient_id)

    def _decided(self, found: Found, row: InferenceRow) -> Iterable[ConsentRow]:
        for consent in found.consents:
            yield ConsentRow(
                inference_id=row.inference.id,
                consent=self._names.consent(consent),
                said=self._said,
            )

    def _taken(self, found: Found, row: InferenceRow) -> Iterable[RecordingRow]:
        noise_db = noise_of_room(found.attached, found.recordings)
        for recording in found.recordings:
            place = found.attached[recording.id]
            yield RecordingRow(
                inference_id=row.inference.id,
                attachment=place,
                recording=self._names.recording(recording),
                room_noise_db=noise_db,
                sound=self._sound(recording, place, row),
                said=self._said,
            )

    def _sound(self, recording: Recording, place: Attachment, row: InferenceRow) -> Sound:
        """Copy a sound into the export, unless it may not leave; return its file."""
        identified = self._choice.identified
        if not self._choice.audio or not may_leave(row.consent, place.role):
            n_bytes = recording.n_bytes
            return Sound(
                path=None,
                sha256=recording.sha256 if identified else None,
                n_bytes=n_bytes if identified else n_bytes_alone(n_bytes, recording.measures),
            )
        content = self._sounds.read(recording.sha256)
        if not identified:
            content = sound_alone(content)
        digest = Sha256(hashlib.sha256(content).hexdigest())
        path = sound_path(row.patient_id, row.inference.id, place, digest)
        with file_faults():
            target = self._building / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        self.counts.n_sounds += 1
        return Sound(path=path, sha256=digest, n_bytes=len(content))

    def _add(self, table: str, key: str, rows: Iterable[Iterable[Cell]]) -> None:
        block = "".join(map(csv_row, rows))
        if block:
            self._lines[table].add(key, block)

    def _note(self, found: Found, patient_id: str | None) -> None:
        """Count, and remember which models spoke, and how new the newest record is."""
        self.counts.n_inferences += 1
        self.counts.n_results += len(found.results)
        self.counts.n_recordings += len(found.recordings)
        self.models |= {
            ModelSaid(name=r.model_name, version=r.model_version, graph_sha256=r.graph_sha256)
            for r in found.results
        }
        known = (at for at in (self.newest_at, *found.instants()) if at is not None)
        self.newest_at = max(known)
        if patient_id is not None:
            form = found.inference.form
            self._groups.add(
                patient_id,
                hospital_id=found.inference.hospital_id or "",
                age=form.get(AGE),
                sex=str(form.get("gender") or ""),
            )


def _places(
    where: Mapping[str, frozenset[str]], columns: Sequence[Column[InferenceRow] | FormColumn]
) -> tuple[tuple[int, frozenset[str]], ...]:
    """Return the conditions by the place of their columns.

    Raises:
        InvalidRequest: there is no such column, or nothing in it can be so.
    """
    names = [column.name for column in columns]
    faults = tuple(
        FieldError(
            field="where",
            code="unknown",
            message=f"inferences.csv has no {name!a}; it has {', '.join(names)}",
        )
        for name in where
        if name not in names
    )
    faults += tuple(
        FieldError(
            field="where",
            code="enum",
            message=f"{column.name} is one of {', '.join(column.choices)}, or empty",
        )
        for column in columns
        if column.choices and where.get(column.name, frozenset()) - {*column.choices, ""}
    )
    if faults:
        raise InvalidRequest("A condition is on nothing of the export.", errors=faults)
    return tuple((names.index(name), texts) for name, texts in where.items())
