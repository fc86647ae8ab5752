"""What is labelled: one session of one patient, with its recordings and answers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from appliance.core.errors import FileMissing, InvalidAudio, UnsupportedAudio
from appliance.core.wav import read_wav
from models.labelled.faults import refused

Waveform: TypeAlias = tuple[NDArray[np.float32], int]
"""float32[n_samples], full scale ±1, and its rate in Hz: what `core.model_inputs` takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledRecording:
    """A WAV file.

    Attributes:
        verdict: the box's own on its quality (`ok`, `warn`, `fail`); None where no box judged it.
    """

    path: Path
    sha256: str
    verdict: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledCase:
    """One session of one patient: what the box would call an inference.

    Attributes:
        id: unique in its data; cases are sorted by it.
        patient_id: a pseudonym; cases that share it never fall into two parts.
        positive: whether the patient had respiratory insufficiency, by the reference standard.
        recordings: role -> file; the spoken consent is never among them.
        form: answers by field, numbers and truth values as such.
        not_done: role -> why it was not recorded.
        protocol_id, language: None where the source does not say.
    """

    id: str
    patient_id: str
    positive: bool
    recordings: Mapping[str, LabelledRecording]
    form: Mapping[str, object] = field(default_factory=dict)
    not_done: Mapping[str, str] = field(default_factory=dict)
    protocol_id: str | None = None
    language: str | None = None

    def waveforms(self) -> dict[str, Waveform]:
        """Read the recordings as the box reads them: first channel, own rate.

        Raises:
            FileMissing: a file is gone.
            InvalidRequest: one is no WAV the box could read; the error names it.
        """
        return {role: read_waveform(taken.path) for role, taken in self.recordings.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledSet:
    """Labelled cases from one source.

    Attributes:
        cases: sorted by id; at least one of each label.
        description: what kind of source it is, for records and cards; names no path.
        n_left_out: cases of the source that no label speaks of.
        n_trained_on: patients left out since the model in question has heard them before; None
            where nobody asked, or nothing says whom it has heard.
    """

    cases: tuple[LabelledCase, ...]
    description: str
    n_left_out: int = 0
    n_trained_on: int | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of patients, labels, answers and the digests of all recordings."""
        return digest_of(self.cases)

    @property
    def n_patients(self) -> int:
        """Patients, whatever their number of sessions."""
        return len({case.patient_id for case in self.cases})

    @property
    def n_recordings(self) -> int:
        """Files of all cases."""
        return sum(len(case.recordings) for case in self.cases)


def digest_of(cases: Iterable[LabelledCase]) -> str:
    """Return the SHA-256, in hex, of cases: of what they say and hold, not of where they lie."""
    digest = hashlib.sha256()
    for case in sorted(cases, key=lambda one: one.id):
        answers = sorted((name, repr(answer)) for name, answer in case.form.items())
        digest.update(f"{case.id!r} {case.patient_id!r} {case.positive} {answers}\n".encode())
        for role, taken in sorted(case.recordings.items()):
            digest.update(f"{role} {taken.sha256}\n".encode())
    return digest.hexdigest()


def read_waveform(path: Path) -> Waveform:
    """Return a WAV's first channel and rate, by the box's own reader.

    Raises:
        FileMissing: it cannot be read.
        InvalidRequest: the box would refuse it; the error names the file and why.
    """
    try:
        wav = read_wav(path.read_bytes())
    except OSError as error:
        raise FileMissing(f"{path} cannot be read.", file=path.name) from error
    except (UnsupportedAudio, InvalidAudio) as error:
        why = f"{error.code}, {error.details.get('reason', '')}: {error.remedy}"
        raise refused(str(path), code=error.code, message=why) from error
    return wav.waveform(), wav.sample_rate_hz
