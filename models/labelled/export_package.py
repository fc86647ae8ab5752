"""An export of a box (`spira export --audio`) and the labels that belong to it.

Labels are a CSV `patient_id,label` or `inference_id,label`, with the ids of that very export. Where
both speak, the inference's own label counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from appliance.core.export_columns import header
from appliance.core.export_tables import INFERENCES
from models.labelled.building import is_role, sha256_of, whole
from models.labelled.cases import LabelledCase, LabelledRecording, LabelledSet
from models.labelled.faults import Faults, refused
from models.labelled.tables import Row, label_words, read_answer, read_label, read_rows

SUMS: Final = "SHA256SUMS"
PATIENT: Final = "patient_id"
INFERENCE: Final = "inference_id"
LABEL: Final = "label"

_INFERENCES: Final = "inferences.csv"
_RECORDINGS: Final = "recordings.csv"
_PATH: Final = "path"
_NOT_DONE: Final = "not_done_"
_FIXED: Final = frozenset(header(INFERENCES))


def is_export(source: Path) -> bool:
    """Return whether a directory is an export of a box."""
    return (source / _INFERENCES).is_file()


def read_export(source: Path, labels: Path) -> LabelledSet:
    """Return the labelled inferences of an export.

    Raises:
        InvalidRequest: the export is not whole or holds no sound, or labels cannot be read,
            contradict each other, or speak of nobody in it; the errors name file and line.
        FileMissing: a file cannot be read.
    """
    if not (source / SUMS).is_file():
        raise refused(source, code="not-whole", message=f"no {SUMS}: the export is not whole")
    recordings = _recordings(source)
    by_id = _read_labels(labels)
    faults = Faults()
    cases: list[LabelledCase] = []
    n_left_out = 0
    unmatched = set(by_id)
    for row in read_rows(source / _INFERENCES, required=("id", PATIENT), guarded=True):
        own = (INFERENCE, row.cells["id"]), (PATIENT, row.cells[PATIENT])
        unmatched.difference_update(own)
        positive = next((by_id[key] for key in own if key in by_id), None)
        taken = recordings.get(row.cells["id"], ())
        if positive is None or not taken:
            n_left_out += 1
        else:
            cases.append(_case(row, source, taken, positive=positive, faults=faults))
    faults.refuse_any()
    if not cases:
        message = "no label speaks of an inference of this export (its ids are its own pseudonyms)"
        raise refused(labels, code="labels", message=message)
    description = "an export of a box"
    if unmatched:  # labels of another export or study would shrink the sample unseen
        description += f"; {len(unmatched)} of {len(by_id)} labels speak of nobody in it"
    return whole(cases, source, description=description, n_left_out=n_left_out)


def _case(
    row: Row, source: Path, taken: tuple[Row, ...], *, positive: bool, faults: Faults
) -> LabelledCase:
    cells = row.cells
    return LabelledCase(
        id=cells["id"],
        patient_id=cells[PATIENT] or cells["id"],
        positive=positive,
        recordings=dict(_files(source, taken, faults)),
        form={name: answer for name, answer in _answers(cells) if answer is not None},
        not_done={
            name.removeprefix(_NOT_DONE): text
            for name, text in cells.items()
            if name.startswith(_NOT_DONE) and text
        },
        protocol_id=cells.get("protocol") or None,
    )


def _answers(cells: Mapping[str, str]) -> Iterator[tuple[str, object]]:
    for name, text in cells.items():
        if name not in _FIXED and not name.startswith(_NOT_DONE):
            yield name, read_answer(text)


def _files(
    source: Path, taken: tuple[Row, ...], faults: Faults
) -> Iterator[tuple[str, LabelledRecording]]:
    """Yield the recordings of an inference by role, each the one the table speaks of."""
    for row in taken:
        path = source / row.cells[_PATH]
        if not path.is_file():
            message = f"{_PATH} names no file of the export"
            faults.add(source / _RECORDINGS, message, line=row.line, code="file-missing")
            continue
        found = sha256_of(path)
        if found != row.cells["sha256"]:
            message = "the file is not the one that was exported: another SHA-256"
            faults.add(source / _RECORDINGS, message, line=row.line, code="sha256")
        yield (
            row.cells["role"],
            LabelledRecording(path=path, sha256=found, verdict=row.cells.get("verdict") or None),
        )


def _recordings(source: Path) -> dict[str, tuple[Row, ...]]:
    """Return the lines of the takes that count and whose sound is there, by inference."""
    path = source / _RECORDINGS
    found: dict[str, list[Row]] = {}
    for row in read_rows(path, required=(INFERENCE, "role", "chosen", "sha256"), guarded=True):
        counts = row.cells["chosen"] == "true" and is_role(row.cells["role"])
        if counts and row.cells.get(_PATH):
            found.setdefault(row.cells[INFERENCE], []).append(row)
    if not found:
        message = "no recording has a path: export again with --audio and its --reason"
        raise refused(path, code="no-audio", message=message)
    return {inference: tuple(taken) for inference, taken in found.items()}


def _read_labels(path: Path) -> dict[tuple[str, str], bool]:
    rows = read_rows(path, required=(LABEL,))
    kinds = [kind for kind in (INFERENCE, PATIENT) if rows and kind in rows[0].cells]
    if not kinds:
        message = f"no column {PATIENT} or {INFERENCE} beside {LABEL}, or no line at all"
        raise refused(f"{path}, line 1", code="header", message=message)
    faults = Faults()
    found: dict[tuple[str, str], bool] = {}
    lines: dict[tuple[str, str], int] = {}
    for row in rows:
        positive = read_label(row.cells[LABEL])
        kind = next((kind for kind in kinds if row.cells[kind]), None)
        if positive is None or kind is None:
            message = f"{LABEL} is none of {label_words()}" if kind else "no id"
            faults.add(path, message, line=row.line, code="label")
            continue
        key = (kind, row.cells[kind])
        if found.setdefault(key, positive) != positive:
            message = f"the same id has another {LABEL} in line {lines[key]}"
            faults.add(path, message, line=row.line, code="label")
        lines.setdefault(key, row.line)
    faults.refuse_any()
    return found
