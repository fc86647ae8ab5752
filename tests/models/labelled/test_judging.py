"""Recordings that no box has judged are judged by the box's own limits, one way for all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from appliance.core.quality import measure
from models.labelled.cases import LabelledCase, LabelledRecording
from models.labelled.judging import Judge
from tests.models.labelled_builders import put_text, put_wav

JUDGE = Judge(("spira-2022.1",))


def a_case(path: Path, *, verdict: str | None = None) -> LabelledCase:
    """Return a case of one recording."""
    taken = LabelledRecording(path=path, sha256="0" * 64, verdict=verdict)
    return LabelledCase(id="a", patient_id="a", positive=True, recordings={"frase": taken})


def test_silence_fails_unless_a_box_has_said_otherwise(tmp_path: Path) -> None:
    """The verdict of the box that took a recording stands."""
    case = a_case(put_wav(tmp_path / "a.wav", np.zeros(32_000, np.int16)))

    assert JUDGE.judged(case).recordings["frase"].verdict == "fail"
    kept = replace(case, recordings=a_case(tmp_path / "a.wav", verdict="ok").recordings)
    assert JUDGE.judged(kept) == kept


def test_verdicts_are_the_same_heard_or_read(tmp_path: Path) -> None:
    """What training reads and what evaluation hears cannot differ."""
    case = a_case(put_wav(tmp_path / "a.wav"))
    heard = {role: measure(*taken) for role, taken in case.waveforms().items()}

    said = JUDGE.verdicts(case, heard)

    assert said == {"frase": JUDGE.judged(case).recordings["frase"].verdict}


def test_what_is_no_sound_and_what_no_protocol_knows_is_left_as_it_is(tmp_path: Path) -> None:
    """The one is refused when it is heard; the other has no limits to keep."""
    broken = a_case(put_text(tmp_path / "a.wav", "no sound"))
    assert JUDGE.judged(broken) == broken
    silence = a_case(put_wav(tmp_path / "b.wav", np.zeros(32_000, np.int16)))
    assert Judge(("not-here",)).judged(silence).recordings["frase"].verdict == "ok"
