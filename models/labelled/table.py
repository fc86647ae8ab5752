"""A CSV of labelled recordings, one line a recording.

    patient_id,role,file_path,class          ours; `session` if a patient came more than once
    file_path,class                          SPIRA's of 2021: every file a patient of its own

Paths are relative to the CSV. `class` is 1 for respiratory insufficiency, 0 for none. Every other
column is an answer of the form, the same on all lines of a case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from models.labelled.building import SPOKEN_CONSENT, is_role, role_words, sha256_of, whole
from models.labelled.cases import LabelledCase, LabelledRecording, LabelledSet
from models.labelled.faults import Faults
from models.labelled.tables import Row, label_words, read_answer, read_label, read_rows

FILE: Final = "file_path"
CLASS: Final = "class"
PATIENT: Final = "patient_id"
SESSION: Final = "session"
ROLE: Final = "role"

DEFAULT_ROLE: Final = "frase"
"""What the recordings of 2021 are: the sentence read aloud."""

_OURS: Final = frozenset({FILE, CLASS, PATIENT, SESSION, ROLE})
_OF_2021: Final = {"idade": "age", "sexo": "gender"}
_SEXES: Final = {"M": "Masculino", "F": "Feminino"}
# Five for every patient of 2021, and written down because they were patients: the label again.
_LABEL_AGAIN: Final = frozenset({"nivel_falta_de_ar"})


@dataclass(slots=True, kw_only=True)
class _Growing:
    """A case while its lines are read; `line` is its first."""

    line: int
    patient_id: str
    positive: bool
    form: Mapping[str, object]
    recordings: dict[str, LabelledRecording] = field(default_factory=dict)


def read_table(source: Path, *, role: str = DEFAULT_ROLE) -> LabelledSet:
    """Return the cases of a CSV.

    Args:
        source: the file.
        role: of every recording, where there is no column that says.

    Raises:
        InvalidRequest: the errors name every line that cannot be read or contradicts another.
        FileMissing: the table cannot be read.
    """
    rows = read_rows(source, required=(FILE, CLASS))
    reading = _Reading(source, role)
    for row in rows:
        reading.add(row)
    ours = bool(rows) and PATIENT in rows[0].cells
    kind = "a table of labelled recordings" if ours else "a table of SPIRA's layout of 2021"
    return whole(reading.cases(), source, description=kind)


class _Reading:
    """The lines read so far: no two of them may contradict each other."""

    def __init__(self, source: Path, default_role: str) -> None:
        self._source = source
        self._default_role = default_role
        self._faults = Faults()
        self._growing: dict[str, _Growing] = {}
        self._labels: dict[str, tuple[bool, int]] = {}
        self._lines: dict[Path, int] = {}

    def cases(self) -> list[LabelledCase]:
        """Return the cases of all lines. Raises InvalidRequest."""
        self._faults.refuse_any()
        return [
            LabelledCase(
                id=case_id,
                patient_id=case.patient_id,
                positive=case.positive,
                recordings=case.recordings,
                form=case.form,
            )
            for case_id, case in self._growing.items()
        ]

    def add(self, row: Row) -> None:
        """Add a line to its case, or its faults to the others."""
        role = row.cells.get(ROLE) or self._default_role
        if role == SPOKEN_CONSENT:
            return
        if not is_role(role):
            self._wrong(row, f"{ROLE} is none of {role_words()}", "role")
            return
        patient = row.cells.get(PATIENT) or str(PurePosixPath(row.cells[FILE]).with_suffix(""))
        positive, path = self._label(row, patient), self._file(row)
        if positive is None or path is None:
            return
        session, form = row.cells.get(SESSION, ""), _form(row)
        case = self._growing.setdefault(
            f"{patient}/{session}" if session else patient,
            _Growing(line=row.line, patient_id=patient, positive=positive, form=form),
        )
        if case.form != form:
            self._wrong(row, f"other answers than the same case has in line {case.line}", "form")
        elif role in case.recordings:
            self._wrong(row, f"a second {role} of the case of line {case.line}", "twice")
        else:
            case.recordings[role] = LabelledRecording(path=path, sha256=sha256_of(path))

    def _label(self, row: Row, patient: str) -> bool | None:
        """Return the label of a line, unless it is none or not the patient's."""
        positive = read_label(row.cells[CLASS])
        if positive is None:
            self._wrong(row, f"{CLASS} is none of {label_words()}", "label")
            return None
        known, first = self._labels.setdefault(patient, (positive, row.line))
        if known != positive:
            self._wrong(row, f"the same patient has another {CLASS} in line {first}", "label")
            return None
        return positive

    def _file(self, row: Row) -> Path | None:
        """Return the file a line names, unless it names none or another line names it, too."""
        named = row.cells[FILE]
        path = self._source.parent / named
        if not named or not path.is_file():
            message = f"{FILE} names no file: {path}" if named else f"{FILE} is empty"
            self._wrong(row, message, "file-missing")
            return None
        first = self._lines.setdefault(path.resolve(), row.line)
        if first != row.line:
            self._wrong(row, f"the same file stands in line {first}, too", "twice")
            return None
        return path

    def _wrong(self, row: Row, message: str, code: str) -> None:
        self._faults.add(self._source, message, line=row.line, code=code)


def _form(row: Row) -> dict[str, object]:
    answers: dict[str, object] = {}
    for name, text in row.cells.items():
        answer = read_answer(text)
        if name in _OURS or name in _LABEL_AGAIN or answer is None:
            continue
        if name == "sexo":
            answer = _SEXES.get(text[:1].upper(), text)
        answers[_OF_2021.get(name, name)] = answer
    return answers
