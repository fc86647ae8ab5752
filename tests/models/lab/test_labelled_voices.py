"""Recordings of people before they are trained on: who is heard, by what, and what is refused."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from appliance.core.errors import FileMissing, InvalidRequest
from appliance.core.manifest import RoleInput
from models.golden import golden_people
from models.progress import silent
from models.spiraconv.parameters import Parameters
from models.training.asked import Asked, voices_asked
from models.training.material import Material, Voices
from models.training.metrics import GreyZone
from tests.commands.console import Said, run
from tests.models.lab.labelled_people import put_people, sound
from tests.models.labelled_builders import put_export, put_text, put_wav

FRASE = (RoleInput(role="frase", required=True),)


def voices(source: Path, **asked: object) -> Voices:
    """What is asked for, unheard."""
    return voices_asked(Asked(source=source, told={}, **asked))[1]  # type: ignore[arg-type]


def put_table(directory: Path, *, n_patients: int = 5) -> Path:
    """A table of SPIRA's layout of 2021."""
    lines = []
    for number in range(2 * n_patients):
        put_wav(directory / "audio" / f"p{number}.wav", sound(number))
        lines.append(f"audio/p{number}.wav,{number % 2}")
    return put_text(directory / "spira.csv", "file_path,class", *lines)


def put_labelled_export(directory: Path, *, n_patients: int = 5) -> tuple[Path, Path]:
    """An export of a box and labels by patient, as outcomes give them."""
    taken = [
        (f"i{number}", f"p{number}", {"sustentada": sound(number), "parlenda": sound(50 + number)})
        for number in range(2 * n_patients)
    ]
    labels = [f"p{number},{'positive' if number % 2 else 'negative'}" for number in range(10)]
    return (
        put_export(directory / "export", taken),
        put_text(directory / "labels.csv", "patient_id,label", *labels),
    )


def heard(asked: Voices) -> Material:
    """Hear them."""
    return asked.hear(silent)


def test_an_export_is_heard_with_labels_from_a_table(tmp_path: Path) -> None:
    """Ten patients, two recordings each."""
    source, labels = put_labelled_export(tmp_path)
    asked = voices(source, labels=labels)
    material = heard(asked)
    assert (asked.plan.n_train, asked.plan.n_validation, asked.plan.n_test) == (6, 2, 2)
    assert len(material.takes) == 12
    assert sorted(person.label for person in material.test.people) == [0.0, 1.0]
    assert asked.settings["roles"] == "sustentada parlenda"
    assert b"demonstration = false" in asked.statement


def test_a_table_of_2021_is_heard_as_the_role_that_is_told(tmp_path: Path) -> None:
    """Every file a patient of its own."""
    table = put_table(tmp_path)
    assert voices(table).roles == FRASE
    assert voices(table, role="parlenda").roles == (RoleInput(role="parlenda", required=True),)


def test_what_the_box_would_not_score_is_left_out(tmp_path: Path) -> None:
    """A recording that failed its check, who lacks what all others have, and the room itself."""
    source, labels = put_labelled_export(tmp_path)
    table = source / "recordings.csv"
    before, after = table.read_text().split("i3-parlenda", 1)
    table.write_text(f"{before}i3-parlenda{after.replace(',ok,', ',fail,', 1)}")
    asked = voices(source, labels=labels)
    # All others have the rhyme, so that sustained vowels alone are what everybody has.
    assert [(e.role, e.required) for e in asked.roles] == [
        ("sustentada", True),
        ("parlenda", False),
    ]
    assert (asked.settings["n_cases"], asked.settings["n_recordings"]) == (10, 19)

    people = put_people(tmp_path / "people")
    for patient in ("positive/p0/s1", "positive/p0/s2", "negative/p101/s1"):
        shutil.rmtree(people / patient)
    put_wav(people / "positive" / "p0" / "ruido.wav", sound(1))
    put_wav(people / "negative" / "p101" / "frase.wav", sound(2))
    left = voices(people)
    assert left.settings["n_cases_left_out"] == 2
    assert left.plan.n_train + left.plan.n_validation + left.plan.n_test == 8


def test_what_no_box_has_judged_is_judged_as_the_box_would(tmp_path: Path) -> None:
    """Of folders and tables, too: silence fails its check, and nobody learns from it."""
    people = put_people(tmp_path / "people")
    before = voices(people)
    silent_file = people / "positive" / "p1" / "s1" / "parlenda.wav"
    put_wav(silent_file, np.zeros(32_000, np.int16))

    after = voices(people)

    n_before, n_after = (int(asked.settings["n_recordings"]) for asked in (before, after))
    assert n_after == n_before - 1
    assert [entry.role for entry in after.roles if entry.required] == ["sustentada"]
    # So it is in a table.
    table = put_table(tmp_path / "table")
    put_wav(tmp_path / "table" / "audio" / "p3.wav", np.zeros(32_000, np.int16))
    assert voices(table).settings["n_cases_left_out"] == 1


def test_the_digest_of_a_data_set_is_of_sound_label_and_patient(tmp_path: Path) -> None:
    """SHA-256 of sorted lines: the same from anywhere, another for a turned label."""
    table = put_table(tmp_path)
    lines = sorted(
        f"{hashlib.sha256((tmp_path / f'audio/p{n}.wav').read_bytes()).hexdigest()} "
        f"{'positive' if n % 2 else 'negative'} audio/p{n}\n"
        for n in range(10)
    )
    expected = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert voices(table).digests["dataset"] == expected
    text = table.read_text()
    table.write_text(text.replace("p0.wav,0", "p0.wav,1").replace("p1.wav,1", "p1.wav,0"))
    assert voices(table).digests["dataset"] != expected


def test_the_split_is_of_seed_and_patients(tmp_path: Path) -> None:
    """The same seed splits them alike, also when they lie elsewhere; another does not."""
    first = voices(put_people(tmp_path / "a")).digests
    assert voices(put_people(tmp_path / "b")).digests == first
    told = Asked(source=tmp_path / "a", told={"seed": 1})
    other = voices_asked(told)[1].digests
    assert other["dataset"] == first["dataset"]
    assert other["split"] != first["split"]


def test_labels_turned_round_change_no_sound(tmp_path: Path) -> None:
    """Drawn by the same chance, the windows of every patient are the same under any labels."""
    drawn = []
    for turned in (False, True):
        people = put_people(tmp_path / str(turned))
        if turned:
            (people / "positive").rename(people / "aside")
            (people / "negative").rename(people / "positive")
            (people / "aside").rename(people / "negative")
        material, chance = heard(voices(people)), np.random.default_rng(1)
        drawn.append([(take.label, take.draw(chance)) for take in material.takes])
    assert [label for label, _ in drawn[0]] == [1.0 - label for label, _ in drawn[1]]
    pairs = zip(drawn[0], drawn[1], strict=True)
    assert all(torch.equal(first, second) for (_, first), (_, second) in pairs)


def test_a_statement_says_what_is_heard(tmp_path: Path) -> None:
    """Its roles count and its name; one this network does not hear is refused."""
    draft = voices(put_table(tmp_path)).statement.decode().replace('""', '"said"')
    statement = tmp_path / "bundle.toml"
    statement.write_text(draft.replace('"spiraconv"', '"ours"'))
    people = put_people(tmp_path / "people", n_patients=8)
    name, asked = voices_asked(Asked(source=people, statement=statement, told={}))
    assert (name, asked.roles) == ("ours", FRASE)
    assert asked.statement == statement.read_bytes()
    assert asked.settings["n_cases_left_out"] == 8
    statement.write_text(draft.replace('"frase"', '"ruido"'))
    with pytest.raises(InvalidRequest, match=r"bundle\.toml") as refusal:
        voices(people, statement=statement)
    assert "ruido" in refusal.value.errors[0].message


def test_golden_people_say_only_what_the_model_hears(parameters: Parameters) -> None:
    """Two of each group, all with what is required; some without what is optional."""
    zone = GreyZone(t_low=0.4, t_high=0.6)
    only = golden_people(parameters, zone, seed=20_261, roles=FRASE)
    assert [set(one.recordings) for one in only] == [{"frase"}] * 4
    assert len({(one.group, one.index) for one in only}) == 4
    both = (*FRASE, RoleInput(role="parlenda", required=False))
    some = golden_people(parameters, zone, seed=20_261, roles=both)
    assert [set(one.recordings) for one in some] == [{"frase", "parlenda"}] * 4


def refused(*arguments: str) -> tuple[Said, str]:
    """What the console says of a training that cannot be, and all its faults in one text."""
    said = run("models", "train", *arguments, "--json")
    assert "Traceback" not in said.stderr
    error = said.document["error"]
    faults = [f"{fault['field']}: {fault['message']}" for fault in error["errors"]]
    return said, "\n".join([error["detail"], *faults])


def test_faults_of_a_table_are_named_by_line(tmp_path: Path) -> None:
    """Audio that is not there and labels that are none, all at once."""
    table = put_table(tmp_path)
    text = table.read_text().replace("p3.wav,1", "p3.wav,maybe").replace("p6.wav", "p66.wav")
    table.write_text(text)
    said, told = refused(str(table), "--work", str(tmp_path / "work"))
    assert said.status == 3
    assert "spira.csv, line 5: class is none of" in told
    assert "spira.csv, line 8: file_path names no file" in told
    assert not (tmp_path / "work").exists()


def test_files_that_are_no_sound_are_all_named(tmp_path: Path) -> None:
    """Before a run is begun in MLflow."""
    people = put_people(tmp_path / "people")
    broken = [
        people / "positive" / "p0" / "s1" / "frase.wav",
        people / "negative" / "p101" / "s1" / "parlenda.wav",
    ]
    for path in broken:
        path.write_bytes(b"RIFF no sound")
    asked = voices(people)
    with pytest.raises(InvalidRequest) as refusal:
        heard(asked)
    assert {fault.field for fault in refusal.value.errors} == {str(path) for path in broken}


def test_a_file_that_went_away_is_missing(tmp_path: Path) -> None:
    """By name."""
    table = put_table(tmp_path)
    asked = voices(table)
    for path in (tmp_path / "audio").iterdir():
        path.unlink()
    with pytest.raises(FileMissing, match=r"p[0-9]\.wav"):
        heard(asked)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--name", "Not So"), "name: must match"),
        (("--labels", "labels.csv"), "only an export takes labels"),
        (("--role", "song"), "role is none of"),
        (("--epochs", "0"), "settings, n_epochs: must be 1 or more"),
        (("--seed", "-1"), "settings, seed: must be 0 to 2^63 - 1"),
    ],
)
def test_what_cannot_be_asked_of_recordings_is_named(
    tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    """With status 3."""
    said, found = refused(str(put_table(tmp_path)), *arguments)
    assert said.status == 3
    assert told in found


def test_synthetic_voices_take_no_labels(tmp_path: Path) -> None:
    """Nor other things of recordings: SOURCE was forgotten."""
    said, told = refused("--labels", str(tmp_path / "labels.csv"), "--role", "frase")
    assert said.status == 3
    assert "labels: only of recordings" in told
    assert "role: only of recordings" in told


@pytest.mark.parametrize(
    ("n_patients", "told"),
    [(1, "1 positive, 1 negative"), (3, "3 positive, 3 negative")],
)
def test_too_few_patients_are_counted(tmp_path: Path, n_patients: int, told: str) -> None:
    """And how to mend it is said."""
    said, found = refused(str(put_table(tmp_path, n_patients=n_patients)))
    assert said.status == 3
    assert told in found


def test_one_label_alone_and_two_of_a_patient_are_refused(tmp_path: Path) -> None:
    """Nothing could be told apart; and nobody is on both sides."""
    source, labels = put_labelled_export(tmp_path)
    alone = put_text(tmp_path / "alone.csv", "patient_id,label", "p1,positive", "p2,positive")
    _, told = refused(str(source), "--labels", str(alone))
    assert "2 positive and 0 negative cases" in told
    rows = [f"i{number},{number % 2}" for number in range(10)]
    by_inference = put_text(tmp_path / "by.csv", "inference_id,label", *rows)
    table = source / "inferences.csv"
    table.write_text(table.read_text().replace("i4,,p4", "i4,,p5").replace(",p4,", ",p5,"))
    _, told = refused(str(source), "--labels", str(by_inference))
    assert "patient p5: has one label in i4, another in i5" in told
    assert labels.is_file()
