"""A folder of labelled recordings.

    DIR/positive/PATIENT/ROLE.wav            one session of a patient
    DIR/negative/PATIENT/SESSION/ROLE.wav    several sessions
    …/form.json                              beside the recordings, if there are answers

ROLE is `sustentada`, `parlenda`, `frase` or `ruido`; `aceite.wav` is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from models.labelled.building import SPOKEN_CONSENT, is_role, role_words, sha256_of, whole
from models.labelled.cases import LabelledCase, LabelledRecording, LabelledSet
from models.labelled.faults import Faults

POSITIVE: Final = "positive"
NEGATIVE: Final = "negative"
FORM: Final = "form.json"
_SUFFIX: Final = ".wav"


def is_folder(source: Path) -> bool:
    """Return whether a directory is laid out so."""
    return (source / POSITIVE).is_dir() or (source / NEGATIVE).is_dir()


def read_folder(source: Path) -> LabelledSet:
    """Return the cases of a folder.

    Raises:
        InvalidRequest: the errors name every file that does not belong or cannot be placed.
        FileMissing: a file cannot be read.
    """
    faults = Faults()
    cases: list[LabelledCase] = []
    seen: dict[str, str] = {}
    for label in (POSITIVE, NEGATIVE):
        for patient in _directories(source / label, faults):
            if seen.setdefault(patient.name, label) != label:
                message = "the same patient stands under positive, too"
                faults.add(patient, message, code="label")
            cases += _of_patient(patient, positive=label == POSITIVE, faults=faults)
    faults.refuse_any()
    return whole(cases, source, description="a folder of labelled recordings")


def _of_patient(patient: Path, *, positive: bool, faults: Faults) -> Iterator[LabelledCase]:
    sessions = [path for path in _visible(patient) if path.is_dir()]
    if any(path.is_file() for path in _visible(patient)) or not sessions:
        for session in sessions:
            message = "recordings stand beside this directory: move them into a session, too"
            faults.add(session, message, code="layout")
        sessions = [patient]
    for session in sessions:
        case_id = patient.name if session == patient else f"{patient.name}/{session.name}"
        yield LabelledCase(
            id=case_id,
            patient_id=patient.name,
            positive=positive,
            recordings=_recordings(session, faults),
            form=_form(session / FORM, faults),
        )


def _recordings(session: Path, faults: Faults) -> dict[str, LabelledRecording]:
    found: dict[str, LabelledRecording] = {}
    n_faults_told = 0
    for path in _visible(session):
        role = path.stem
        if path.is_dir() or path.name == FORM or role == SPOKEN_CONSENT:
            continue
        if path.suffix.lower() != _SUFFIX or not is_role(role):
            message = f"not ROLE.wav, ROLE one of {role_words()}"
            faults.add(path, message, code="name")
            n_faults_told += 1
        elif role in found:
            faults.add(path, f"a second {role}", code="twice")
        else:
            found[role] = LabelledRecording(path=path, sha256=sha256_of(path))
    if not found and not n_faults_told:
        faults.add(session, "no recording here", code="empty")
    return found


def _form(path: Path, faults: Faults) -> dict[str, object]:
    if not path.exists():
        return {}
    try:
        answers = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        faults.add(path, f"not JSON: {error}", code="format")
        return {}
    if not isinstance(answers, dict):
        faults.add(path, "no JSON object of answers", code="format")
        return {}
    return answers


def _directories(label: Path, faults: Faults) -> Iterator[Path]:
    for path in _visible(label) if label.is_dir() else ():
        if path.is_dir():
            yield path
        else:
            message = f"which patient? put it into {label.name}/PATIENT/"
            faults.add(path, message, code="layout")


def _visible(directory: Path) -> list[Path]:
    return sorted(path for path in directory.iterdir() if not path.name.startswith("."))
