"""Labelled recordings from folders, tables and exports: what is read, and what is refused where."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from appliance.core.errors import FieldError, FileMissing, InvalidRequest
from appliance.core.wav import FULL_SCALE
from models.labelled.reading import read_labelled
from tests.models.labelled_builders import put_export, put_text, put_wav, tone


def folder(directory: Path) -> Path:
    """Two patients, one of whom came twice, and a control."""
    put_wav(directory / "positive" / "p1" / "2026-01" / "parlenda.wav")
    put_wav(directory / "positive" / "p1" / "2026-02" / "parlenda.wav")
    put_wav(directory / "positive" / "p2" / "parlenda.wav")
    put_wav(directory / "positive" / "p2" / "aceite.wav")
    put_wav(directory / "negative" / "c1" / "sustentada.wav")
    put_wav(directory / "negative" / "c1" / "ruido.wav")
    put_text(directory / "negative" / "c1" / "form.json", '{"age": 60, "mask_type": "NONE"}')
    return directory


def faults(source: Path, **options: Path | None) -> tuple[FieldError, ...]:
    """Return what is said to be wrong."""
    with pytest.raises(InvalidRequest) as refusal:
        read_labelled(source, **options)  # type: ignore[arg-type]
    assert refusal.value.errors
    return refusal.value.errors


def test_a_folder_says_who_by_its_directories(tmp_path: Path) -> None:
    """Sessions of one patient are cases that share it; the spoken consent is passed over."""
    found = read_labelled(folder(tmp_path))

    assert [case.id for case in found.cases] == ["c1", "p1/2026-01", "p1/2026-02", "p2"]
    assert [case.patient_id for case in found.cases] == ["c1", "p1", "p1", "p2"]
    assert [case.positive for case in found.cases] == [False, True, True, True]
    assert set(found.cases[0].recordings) == {"sustentada", "ruido"}
    assert set(found.cases[3].recordings) == {"parlenda"}
    assert found.cases[0].form == {"age": 60, "mask_type": "NONE"}
    assert (found.n_patients, found.n_recordings) == (3, 5)


def test_a_waveform_is_what_the_box_hears(tmp_path: Path) -> None:
    """The first channel, at its own rate, full scale 1."""
    pcm = np.stack((tone(1), tone(2)), axis=1)
    put_wav(tmp_path / "positive" / "p" / "frase.wav", pcm, rate_hz=48_000)
    put_wav(tmp_path / "negative" / "c" / "frase.wav")

    heard = read_labelled(tmp_path).cases[1].waveforms()

    samples, rate_hz = heard["frase"]
    assert rate_hz == 48_000
    assert samples.dtype == np.float32
    assert (samples == tone(1).astype(np.float32) / FULL_SCALE).all()


def test_the_digest_is_of_what_is_said_and_heard_not_of_where_it_lies(tmp_path: Path) -> None:
    """Moved, it is the same; with another sample, label or answer it is another."""
    first = read_labelled(folder(tmp_path / "a")).digest
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert read_labelled(tmp_path / "b").digest == first

    put_wav(tmp_path / "b" / "positive" / "p2" / "parlenda.wav", tone(99))
    other_sound = read_labelled(tmp_path / "b").digest
    put_text(tmp_path / "b" / "negative" / "c1" / "form.json", '{"age": 61}')
    other_answer = read_labelled(tmp_path / "b").digest
    (tmp_path / "b" / "positive" / "p2").rename(tmp_path / "b" / "negative" / "p2")
    other_label = read_labelled(tmp_path / "b").digest

    assert len({first, other_sound, other_answer, other_label}) == 4


def test_every_file_that_does_not_belong_is_named(tmp_path: Path) -> None:
    """All at once, not one a run."""
    folder(tmp_path)
    put_wav(tmp_path / "positive" / "p2" / "vogal.wav")
    put_wav(tmp_path / "positive" / "stray.wav")
    put_wav(tmp_path / "negative" / "p1" / "frase.wav")
    (tmp_path / "negative" / "empty").mkdir()
    put_text(tmp_path / "negative" / "c1" / "form.json", "[1]")

    said = {Path(fault.field).relative_to(tmp_path).as_posix(): fault for fault in faults(tmp_path)}

    assert {place: fault.code for place, fault in said.items()} == {
        "positive/p2/vogal.wav": "name",
        "positive/stray.wav": "layout",
        "negative/p1": "label",
        "negative/empty": "empty",
        "negative/c1/form.json": "format",
    }
    assert "sustentada" in said["positive/p2/vogal.wav"].message


def test_recordings_beside_sessions_are_refused(tmp_path: Path) -> None:
    """One could not say to which session they belong."""
    folder(tmp_path)
    put_wav(tmp_path / "positive" / "p1" / "frase.wav")

    assert {fault.code for fault in faults(tmp_path)} == {"layout"}


def test_one_label_alone_is_refused(tmp_path: Path) -> None:
    """Nothing can be told apart."""
    put_wav(tmp_path / "positive" / "p" / "frase.wav")

    (fault,) = faults(tmp_path)

    assert "1 positive and 0 negative" in fault.message


def test_what_the_box_would_refuse_is_named(tmp_path: Path) -> None:
    """A file that is no WAV is found when it is heard, by its name."""
    folder(tmp_path)
    put_text(tmp_path / "positive" / "p2" / "parlenda.wav", "no sound")
    case = read_labelled(tmp_path).cases[3]

    with pytest.raises(InvalidRequest) as refusal:
        case.waveforms()

    assert refusal.value.errors[0].field.endswith("p2/parlenda.wav")
    assert "not-riff-wave" in refusal.value.errors[0].message


def test_spiras_table_of_2021(tmp_path: Path) -> None:
    """Two columns are enough: every file is a patient; what repeats the label is no answer."""
    put_wav(tmp_path / "patients" / "1.wav")
    put_wav(tmp_path / "controls" / "1.wav")
    table = put_text(
        tmp_path / "train.csv",
        "file_path,class,sexo,idade,nivel_falta_de_ar",
        "patients/1.wav,1,M,71,5",
        "controls/1.wav,0,F,,0",
    )

    found = read_labelled(table)

    assert [case.patient_id for case in found.cases] == ["controls/1", "patients/1"]
    assert [case.positive for case in found.cases] == [False, True]
    assert [set(case.recordings) for case in found.cases] == [{"frase"}, {"frase"}]
    assert found.cases[1].form == {"age": 71, "gender": "Masculino"}
    assert found.cases[0].form == {"gender": "Feminino"}
    assert "2021" in found.description
    as_rhyme = read_labelled(table, role="parlenda")
    assert set(as_rhyme.cases[0].recordings) == {"parlenda"}


def test_a_table_of_ours_with_sessions_and_answers(tmp_path: Path) -> None:
    """Divided by semicolons, as spreadsheets do where the decimal comma is at home."""
    for name in ("a", "b", "c", "d"):
        put_wav(tmp_path / f"{name}.wav", tone(ord(name)))
    table = put_text(
        tmp_path / "voices.csv",
        "patient_id;session;role;file_path;class;spo2;speaks_full_sentences",
        "p;1;frase;a.wav;positive;91,5;false",
        "p;1;parlenda;b.wav;positive;91,5;false",
        "p;2;frase;c.wav;positive;;",
        "c;;frase;d.wav;control;98;true",
    )

    found = read_labelled(table)

    assert [(case.id, set(case.recordings)) for case in found.cases] == [
        ("c", {"frase"}),
        ("p/1", {"frase", "parlenda"}),
        ("p/2", {"frase"}),
    ]
    assert found.cases[1].form == {"spo2": 91.5, "speaks_full_sentences": False}
    assert found.cases[2].form == {}


def test_every_line_at_fault_is_named(tmp_path: Path) -> None:
    """By its number, the header being 1."""
    for name in ("a", "b"):
        put_wav(tmp_path / f"{name}.wav")
    table = put_text(
        tmp_path / "t.csv",
        "patient_id,role,file_path,class,age",
        "p,frase,a.wav,1,70",
        "p,frase,b.wav,0,70",
        "q,frase,none.wav,1,70",
        "q,frase,a.wav,1,70",
        "q,frase,b.wav,maybe,70",
        "p,cough,b.wav,1,70",
        "p,parlenda,b.wav,1,71",
        "q,frase,,1,70",
    )

    said = [(fault.field.rpartition("line ")[2], fault.code) for fault in faults(table)]

    assert said == [
        ("3", "label"),
        ("4", "file-missing"),
        ("5", "twice"),
        ("6", "label"),
        ("6", "twice"),
        ("7", "role"),
        ("8", "twice"),
        ("9", "file-missing"),
    ]
    assert all(str(table) in fault.field for fault in faults(table))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("path,class\nx,1\n", "no column file_path"),
        ("", "no column file_path"),
        ("file_path,class\na.wav\n", "fewer cells"),
        ('file_path,class\n"a.wav,1\n', "end of data"),
    ],
)
def test_what_is_no_such_table_is_refused(tmp_path: Path, content: str, said: str) -> None:
    """With what is there, or the line."""
    table = tmp_path / "t.csv"
    table.write_text(content)

    (fault,) = faults(table)

    assert said in fault.message
    assert ", line " in fault.field


def test_other_encodings_are_refused(tmp_path: Path) -> None:
    """With how to save it."""
    (tmp_path / "t.csv").write_bytes("file_path,class,nível\n".encode("latin-1"))

    (fault,) = faults(tmp_path / "t.csv")

    assert fault.code == "encoding"


def export(directory: Path, *, with_audio: bool = True) -> Path:
    """Three inferences of two patients, and one of nobody whose name is known."""
    taken = [
        ("i1", "p", {"sustentada": tone(1), "ruido": tone(2), "aceite": tone(3)}),
        ("i2", "p", {"sustentada": tone(4)}),
        ("i3", "c", {"sustentada": tone(5), "frase": tone(6)}),
        ("i4", "", {"sustentada": tone(7)}),
    ]
    answers = {"age": (70, 70, 50, None), "covid_status": ("TRUE", None, "FALSE", None)}
    return put_export(directory, taken, answers=answers, with_audio=with_audio)


def test_an_export_and_labels_of_patients(tmp_path: Path) -> None:
    """Answers come with their types, verdicts are the box's, who has no label is left out."""
    labels = put_text(tmp_path / "labels.csv", "patient_id,label", "p,1", "c,0", "gone,1")

    found = read_labelled(export(tmp_path / "x"), labels=labels)

    assert found.description == "an export of a box; 1 of 3 labels speak of nobody in it"

    assert [(case.id, case.patient_id, case.positive) for case in found.cases] == [
        ("i1", "p", True),
        ("i2", "p", True),
        ("i3", "c", False),
    ]
    first = found.cases[0]
    assert set(first.recordings) == {"sustentada", "ruido"}
    assert first.form == {"age": 70, "covid_status": "TRUE"}
    assert first.not_done == {"frase": "cannot_read"}
    assert first.recordings["sustentada"].verdict == "ok"
    assert first.protocol_id == "spira-2022.1"
    assert found.n_left_out == 1
    assert first.waveforms()["sustentada"][0].size == tone(1).size


def test_a_label_of_an_inference_counts_more_than_one_of_its_patient(tmp_path: Path) -> None:
    """A patient may recover; who has no RGH is a patient of that inference alone."""
    labels = put_text(
        tmp_path / "labels.csv", "inference_id,patient_id,label", "i2,p,0", ",p,1", "i4,,1"
    )

    found = read_labelled(export(tmp_path / "x"), labels=labels)

    assert {case.id: case.positive for case in found.cases} == {"i1": True, "i2": False, "i4": True}
    assert found.cases[2].patient_id == "i4"


def test_an_export_without_sound_says_how_to_have_it(tmp_path: Path) -> None:
    """With or without the column."""
    labels = put_text(tmp_path / "labels.csv", "patient_id,label", "p,1", "c,0")
    source = export(tmp_path / "x", with_audio=False)

    (fault,) = faults(source, labels=labels)

    assert fault.field.endswith("recordings.csv")
    assert "--audio" in fault.message


def test_a_recording_that_was_exchanged_is_refused(tmp_path: Path) -> None:
    """And one that is gone; the lines of the table are named."""
    labels = put_text(tmp_path / "labels.csv", "patient_id,label", "p,1", "c,0")
    source = export(tmp_path / "x")
    sounds = sorted((source / "audio" / "sub-p").rglob("*task-sustentada*.wav"))
    put_wav(sounds[0], tone(77))
    sounds[1].unlink()

    said = {fault.code for fault in faults(source, labels=labels)}

    assert said == {"sha256", "file-missing"}


def test_an_export_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    """As its README says."""
    labels = put_text(tmp_path / "labels.csv", "patient_id,label", "p,1", "c,0")
    source = export(tmp_path / "x")
    (source / "SHA256SUMS").unlink()

    (fault,) = faults(source, labels=labels)

    assert fault.code == "not-whole"


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (("patient_id,label", "p,1", "p,0"), "label"),
        (("patient_id,label", "p,perhaps"), "label"),
        (("patient_id,label", ",1"), "label"),
        (("name,label", "p,1"), "header"),
        (("patient_id,label", "x,1"), "labels"),
    ],
)
def test_labels_at_fault_are_named(tmp_path: Path, lines: tuple[str, ...], code: str) -> None:
    """Contradictions, words that are none, ids that are not there."""
    labels = put_text(tmp_path / "labels.csv", *lines)

    (fault,) = faults(export(tmp_path / "x"), labels=labels)

    assert fault.code == code
    assert str(labels) in fault.field


def test_labels_belong_to_exports_and_exports_need_them(tmp_path: Path) -> None:
    """Neither is guessed."""
    labels = put_text(tmp_path / "labels.csv", "patient_id,label", "p,1")
    export(tmp_path / "x")
    folder(tmp_path / "f")

    assert "needs labels" in faults(tmp_path / "x")[0].message
    assert "only an export" in faults(tmp_path / "f", labels=labels)[0].message
    (tmp_path / "nothing").mkdir()
    assert "neither a folder" in faults(tmp_path / "nothing")[0].message
    for given in (None, labels):
        with pytest.raises(FileMissing, match="absent"):
            read_labelled(tmp_path / "absent", labels=given)
