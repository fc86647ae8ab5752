"""What an export leaves out, moves or calls otherwise unless somebody asks and says why."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from appliance.core.errors import AudioMissing, InvalidRequest
from appliance.core.export_choice import ExportChoice, read_where
from appliance.core.export_dates import Dates
from appliance.core.ids import InferenceId, ResultId
from appliance.core.inference import ConsentDecision, Inference
from appliance.core.submission import ConsentRequest
from appliance.core.wav import read_wav
from tests.builders import NOON, a_model_version, an_audit, digest_of
from tests.usecases.test_export import RGH, export, rows, sent, withdraw, work
from tests.usecases.test_export import told as told_id
from tests.usecases.ward import RATE_HZ, Ward, a_voice

REASON = "Parity of the 2021 model, CAAE 12345678.9.0000.0068"
TABLES = ("inferences.csv", "results.csv", "recordings.csv", "consents.csv")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
TIME_UUID = "0195c8a4-7b7c-7d9e-8f00-0123456789ab"
"""A UUID of version 7: its first 12 digits are the instant at which it was made."""


def with_answers(ward: Ward, **answers: object) -> Inference:
    """Return an inference of the one patient, with these answers."""
    request = ward.request(ward.recordings())
    return ward.submit(replace(request, form={**request.form, **answers}))[0]


def agreed(ward: Ward, *, audio_sharing: bool | None) -> ConsentRequest:
    """Return a consent with this word on sharing of sound."""
    purposes = {"study": True}
    if audio_sharing is not None:
        purposes["audio_sharing"] = audio_sharing
    consent = ward.request({}).consent
    return replace(consent, purposes=purposes)


def unverified(ward: Ward, **changes: Any) -> Inference:  # noqa: ANN401 - as `Ward.request`
    """Return an inference as the API of 2022 sends it."""
    consent = ConsentRequest(decision=ConsentDecision.UNVERIFIED, purposes={}, taken_at=NOON)
    return ward.submit(ward.request(ward.recordings(), consent=consent, **changes))[0]


def exported(ward: Ward, target: Path, **choice: Any) -> dict[str, list[dict[str, str]]]:  # noqa: ANN401
    """Return the tables of an export."""
    export(ward, target, choice=ExportChoice(**choice))
    return {name: rows(target, name) for name in TABLES}


def days(directory: Path) -> set[str]:
    """Return every day that is told anywhere in the tables."""
    return {
        day
        for name in TABLES
        for row in rows(directory, name)
        for cell in row.values()
        for day in DAY.findall(cell)
    }


# --- dates


def test_dates_of_a_patient_are_moved_together(ward: Ward, tmp_path: Path) -> None:
    """No day is the true one; instants and dates of a form are moved by one number of days."""
    taken = NOON - timedelta(days=20)
    answers = {
        "spo2_at": "2026-02-09T08:30:00-03:00",
        "covid_status": "TRUE",
        "hospitalized": True,
        "hospitalization_start": "2026-02-01",
    }
    request = ward.request(ward.recordings(), captured_at=taken)
    ward.submit(replace(request, form={**request.form, **answers}))
    work(ward)
    told = exported(ward, tmp_path / "out")

    (row,) = told["inferences.csv"]
    back = taken - datetime.fromisoformat(row["created_in"])
    assert timedelta(days=1) <= back <= timedelta(days=365)
    assert back % timedelta(days=1) == timedelta(0)
    moved = datetime.fromisoformat("2026-02-09T11:30:00Z") - back
    assert datetime.fromisoformat(row["spo2_at"]) == moved
    start = datetime.fromisoformat("2026-02-01") - back
    assert row["hospitalization_start"] == start.date().isoformat()
    (result,) = told["results.csv"]
    assert (row["received_at"], result["computed_at"]) == ("", "")  # the box's own work, days later
    assert not days(tmp_path / "out") & {"2026-02-09", "2026-02-01", "2026-03-01", f"{taken:%F}"}


def test_a_patient_s_visits_keep_their_interval(ward: Ward, tmp_path: Path) -> None:
    """Two visits of one patient are as far apart as they were, at this export and the next."""
    first = ward.submit(ward.request(ward.recordings()))[0]
    week = NOON - timedelta(days=7)
    second = ward.submit(ward.request(ward.recordings(), captured_at=week))[0]

    told = {r["id"]: r["created_in"] for r in exported(ward, tmp_path / "1")["inferences.csv"]}
    again = {r["id"]: r["created_in"] for r in exported(ward, tmp_path / "2")["inferences.csv"]}

    between = [datetime.fromisoformat(told[told_id(one.id)]) for one in (first, second)]
    assert between[0] - between[1] == timedelta(days=7)
    assert told == again


def test_month_and_hour_alone(ward: Ward, tmp_path: Path) -> None:
    """Every day told is the first of its month, every instant a full hour."""
    answers = {"covid_status": "TRUE", "last_positive_diagnose_date": "2026-02-14"}
    with_answers(ward, **answers)
    work(ward)

    told = exported(ward, tmp_path / "out", dates=Dates.MONTH_HOUR)

    assert days(tmp_path / "out") == {"2026-03-01", "2026-02-01"}
    (row,) = told["inferences.csv"]
    assert row["last_positive_diagnose_date"] == "2026-02-01"
    assert row["created_in"] == row["received_at"] == "2026-03-01T12:00:00Z"


def test_rows_stand_in_an_order_that_tells_nothing_of_time(ward: Ward, tmp_path: Path) -> None:
    """By id in every table, whatever came first."""
    ids = [f"{digit}0000000-0000-4000-8000-00000000000{digit}" for digit in "5193"]
    for inference_id in ids:
        ward.submit(ward.request(ward.recordings(), id=inference_id))

    told = exported(ward, tmp_path / "out")

    for name in TABLES:
        key = "id" if name == "inferences.csv" else "inference_id"
        found = list(dict.fromkeys(row[key] for row in told[name]))
        assert found == sorted(map(told_id, ids)) != list(map(told_id, ids))


# --- what is left out


def test_tests_are_left_out_unless_asked_for(ward: Ward, tmp_path: Path) -> None:
    """A row that says of itself that it is a test is no data about a patient."""
    kept = sent(ward)
    test = with_answers(ward, sample_type="TEST")

    counts = export(ward, tmp_path / "out")
    asked = exported(ward, tmp_path / "asked", include_test=True)

    assert (counts.n_inferences, counts.n_test) == (1, 1)
    assert [row["id"] for row in rows(tmp_path / "out", "inferences.csv")] == [told_id(kept.id)]
    assert {row["id"] for row in asked["inferences.csv"]} == {told_id(kept.id), told_id(test.id)}
    assert "Tests are in it" in (tmp_path / "asked" / "README.txt").read_text()
    assert "Tests are in it" not in (tmp_path / "out" / "README.txt").read_text()


def test_what_a_demonstration_model_says_is_left_out(ward: Ward, tmp_path: Path) -> None:
    """Also where it only listened in: the inference stays, its answer does not."""
    version = a_model_version(
        id="demo-1", model_name="voice", version="0.1.0", sequence=2, demonstration=True
    )
    ward.records.models.add_version(version, audit=an_audit())
    inference = sent(ward)
    work(ward)
    (real,) = ward.records.inferences.results(inference.id)
    shadow = replace(
        real, id=ResultId("shadow-1"), model_version_id=version.id, demonstration=True, shadow=True
    )
    ward.records.inferences.add_shadow(shadow, audit=an_audit())

    told = exported(ward, tmp_path / "out")
    asked = exported(ward, tmp_path / "asked", include_test=True)

    assert [row["demonstration"] for row in told["results.csv"]] == ["false"]
    assert sorted(row["demonstration"] for row in asked["results.csv"]) == ["false", "true"]


def test_who_was_never_asked_is_left_out_unless_asked_for(ward: Ward, tmp_path: Path) -> None:
    """A request of 2022 tells nothing of consent."""
    kept = sent(ward)
    old = unverified(ward)

    counts = export(ward, tmp_path / "out")
    asked = exported(ward, tmp_path / "asked", include_unverified=True)

    assert (counts.n_inferences, counts.n_unverified) == (1, 1)
    assert [row["id"] for row in rows(tmp_path / "out", "inferences.csv")] == [told_id(kept.id)]
    assert {row["id"] for row in asked["inferences.csv"]} == {told_id(kept.id), told_id(old.id)}


def test_since_when_the_box_received_it(ward: Ward, tmp_path: Path) -> None:
    """The instant itself counts in; what was taken earlier but came later does, too."""
    early = sent(ward)
    ward.now = NOON + timedelta(days=1)
    late = ward.submit(ward.request(ward.recordings(), captured_at=NOON - timedelta(days=3)))[0]

    told = exported(ward, tmp_path / "out", since=late.received_at)
    none = exported(ward, tmp_path / "none", since=late.received_at + timedelta(seconds=1))

    assert [row["id"] for row in told["inferences.csv"]] == [told_id(late.id)]
    assert told_id(early.id) not in (tmp_path / "out" / "recordings.csv").read_text()
    assert none["inferences.csv"] == none["recordings.csv"] == []


def test_rows_by_what_stands_in_their_columns(ward: Ward, tmp_path: Path) -> None:
    """Every column has to fit, one of its values is enough, the empty one is missing."""
    woman, man = sent(ward), with_answers(ward, gender="Masculino", age=61)
    nobody = with_answers(ward, gender="Não informado")

    def found(*conditions: str) -> set[str]:
        out = tmp_path / str(len(list(tmp_path.iterdir())))
        told = exported(ward, out, where=read_where(conditions))
        ids = {row["id"] for row in told["inferences.csv"]}
        assert {row["inference_id"] for row in told["recordings.csv"]} == ids
        return ids

    assert found("gender=Feminino") == {told_id(woman.id)}
    assert found("gender=Feminino", "gender=Masculino") == {told_id(woman.id), told_id(man.id)}
    assert found("gender=Masculino", "age=61", "stopped_early=false") == {told_id(man.id)}
    assert found("gender=Masculino", "age=62") == set()
    assert found("age=") == {told_id(woman.id), told_id(nobody.id)}


@pytest.mark.parametrize("column", ["rgh", "reading", "results.id"])
def test_no_condition_on_what_is_not_in_it(ward: Ward, tmp_path: Path, column: str) -> None:
    """An RGH cannot be looked for where no RGH is told."""
    sent(ward)
    with pytest.raises(InvalidRequest, match="condition") as refusal:
        exported(ward, tmp_path / "out", where={column: frozenset({RGH})})
    (fault,) = refusal.value.errors
    assert (fault.field, fault.code) == ("where", "unknown")
    head, _, listed = fault.message.partition("; it has ")
    assert head == f"inferences.csv has no {column!r}"
    exported(ward, tmp_path / "all")
    with (tmp_path / "all" / "inferences.csv").open(encoding="utf-8", newline="") as file:
        assert listed.split(", ") == next(csv.reader(file))
    assert [path.name for path in tmp_path.iterdir()] == ["all"]


@pytest.mark.parametrize(
    ("column", "choices"),
    [
        ("diagnosis", "positive, negative, inconclusive"),
        ("mask_type", "NONE, THIN, THICK"),
        ("stopped_early", "true, false"),
        ("hospitalized", "true, false"),
    ],
)
def test_no_condition_that_nothing_can_fit(
    ward: Ward, tmp_path: Path, column: str, choices: str
) -> None:
    """A slip of the pen is told with what there is, and is no export without rows."""
    with pytest.raises(InvalidRequest) as refusal:
        exported(ward, tmp_path / "out", where={column: frozenset({"Positive", ""})})
    (fault,) = refusal.value.errors
    assert (fault.field, fault.code) == ("where", "enum")
    assert fault.message == f"{column} is one of {choices}, or empty"
    assert list(tmp_path.iterdir()) == []


# --- what identifies


def test_what_identifies_leaves_with_a_reason(ward: Ward, tmp_path: Path) -> None:
    """RGH, true ages, ids of the box; the pseudonym joins with exports without names."""
    inference = with_answers(ward, age=104)
    (plain,) = exported(ward, tmp_path / "plain")["inferences.csv"]

    (row,) = exported(ward, tmp_path / "out", identified=True, reason=REASON)["inferences.csv"]

    assert (row["rgh"], row["age"], row["user_id"]) == (RGH, "104", inference.user_id)
    assert row["patient_id"] == plain["patient_id"]
    assert "rgh" not in plain
    said = {one["column"]: one for one in rows(tmp_path / "out", "codebook.csv")}
    assert said["rgh"]["exported"] == "yes"
    assert "(90: or more)" not in said["age"]["meaning"]
    text = (tmp_path / "out" / "README.txt").read_text(encoding="utf-8")
    assert "THIS EXPORT IDENTIFIES PATIENTS" in text
    package = json.loads((tmp_path / "out" / "datapackage.json").read_text(encoding="utf-8"))
    names = [field["name"] for field in package["resources"][0]["schema"]["fields"]]
    with (tmp_path / "out" / "inferences.csv").open(encoding="utf-8", newline="") as file:
        assert names == next(csv.reader(file))


def test_every_option_and_the_reason_stand_in_the_audit(ward: Ward, tmp_path: Path) -> None:
    """With how much was taken; the RGH somebody looked for does not."""
    sent(ward)
    choice = ExportChoice(
        study="voz-2026",
        dates=Dates.TRUE,
        include_test=True,
        since=NOON - timedelta(days=1),
        where=read_where([f"rgh={RGH}", "gender=Feminino"]),
        identified=True,
        reason=REASON,
    )
    export(ward, tmp_path / "out", choice=choice)

    *_, last = ward.records.audit.rows()
    details = last.entry.details
    assert details["reason"] == REASON
    assert details["where"] == "gender=Feminino and rgh=(not told)"
    assert details["since"] == "2026-02-28T12:00:00+00:00"
    assert [details[name] for name in ("study", "dates", "identified", "audio")] == [
        "voz-2026",
        "true",
        True,
        False,
    ]
    assert details["n_inferences"] == 1
    assert RGH not in str(details)
    told = json.loads((tmp_path / "out" / "provenance.json").read_text(encoding="utf-8"))
    assert told["options"] == {name: details[name] for name in told["options"]}
    assert "reason" in told["options"]


# --- sound


def test_sound_leaves_with_a_reason(ward: Ward, tmp_path: Path) -> None:
    """By patient and inference, its digest in its name; never the spoken consent."""
    consent = agreed(ward, audio_sharing=True)
    inference = ward.submit(ward.request(ward.recordings(), consent=consent))[0]

    told = exported(ward, tmp_path / "out", audio=True, reason=REASON)

    paths = {row["role"]: row["path"] for row in told["recordings.csv"]}
    assert paths["aceite"] == ""
    sounds = {path for path in paths.values() if path}
    files = {
        path.relative_to(tmp_path / "out").as_posix()
        for path in (tmp_path / "out" / "audio").rglob("*.wav")
    }
    assert sounds == files
    assert len(files) == len(inference.attachments) - 1
    (patient,) = {row["patient_id"] for row in told["inferences.csv"]}
    lines = (tmp_path / "out" / "SHA256SUMS").read_text().splitlines()
    sums = {path: digest for digest, path in (line.split("  ") for line in lines)}
    for path in files:
        assert path.startswith(f"audio/sub-{patient}/ses-{told_id(inference.id).replace('-', '')}/")
        assert sums[path][:16] in path
        assert (tmp_path / "out" / path).read_bytes() == a_voice()


@pytest.mark.parametrize(("audio_sharing", "shared"), [(True, True), (False, False), (None, False)])
def test_sound_leaves_only_of_who_agreed(
    ward: Ward, tmp_path: Path, audio_sharing: bool | None, shared: bool
) -> None:
    """The rows of others are there, their sound is not."""
    consent = agreed(ward, audio_sharing=audio_sharing)
    ward.submit(ward.request(ward.recordings(), consent=consent))

    told = exported(ward, tmp_path / "out", audio=True, reason=REASON)

    assert len(told["recordings.csv"]) == len(ward.protocol.required_roles)
    assert any(row["path"] for row in told["recordings.csv"]) is shared
    assert (tmp_path / "out" / "audio").exists() is shared


def test_sound_of_2022_and_of_who_took_consent_back(ward: Ward, tmp_path: Path) -> None:
    """Whoever asks for unverified ones answers for them; withdrawn ones are in no file."""
    old = unverified(ward)
    asked = ward.request(ward.recordings(), consent=agreed(ward, audio_sharing=True))
    gone, _ = ward.submit(replace(asked, form={**asked.form, "rgh": "13817615A"}))
    withdraw(ward, InferenceId(gone.id))

    told = exported(ward, tmp_path / "out", audio=True, include_unverified=True, reason=REASON)

    assert {row["inference_id"] for row in told["recordings.csv"]} == {told_id(old.id)}
    assert sum(bool(row["path"]) for row in told["recordings.csv"]) == 2
    names = [str(path) for path in (tmp_path / "out").rglob("*")]
    assert not any(told_id(gone.id).replace("-", "") in name for name in names)


def noted_voice() -> bytes:
    """Return a voice with what a recorder wrote beside it."""
    note = b"LIST" + (26).to_bytes(4, "little") + b"INFOICRD" + (14).to_bytes(4, "little")
    noted = bytearray(a_voice() + note + b"2026-03-01 Ana")
    noted[4:8] = (len(noted) - 8).to_bytes(4, "little")
    return bytes(noted)


def test_what_a_recorder_wrote_beside_the_sound_stays(ward: Ward, tmp_path: Path) -> None:
    """A name or a time in the file itself leaves only where patients are identified."""
    taken = {role: ward.record(role, noted_voice()) for role in ward.protocol.required_roles}
    ward.submit(ward.request(taken, consent=agreed(ward, audio_sharing=True)))

    exported(ward, tmp_path / "plain", audio=True, reason=REASON)
    exported(ward, tmp_path / "named", audio=True, identified=True, reason=REASON)

    for name, whole in (("plain", a_voice()), ("named", noted_voice())):
        for path in (tmp_path / name / "audio").rglob("*.wav"):
            assert path.read_bytes() == whole
            assert read_wav(path.read_bytes()).sample_rate_hz == RATE_HZ


@pytest.mark.parametrize("audio", [True, False])
def test_a_length_is_that_of_the_file_as_it_leaves(
    ward: Ward, tmp_path: Path, *, audio: bool
) -> None:
    """Also of one that stays: what a recorder wrote into it would be told by its length."""
    taken = {role: ward.record(role, noted_voice()) for role in ward.protocol.required_roles}
    ward.submit(ward.request(taken, consent=agreed(ward, audio_sharing=True)))

    plain = exported(ward, tmp_path / "plain", audio=audio, reason=REASON)
    named = exported(ward, tmp_path / "named", audio=audio, identified=True, reason=REASON)

    for told, whole in ((plain, a_voice()), (named, noted_voice())):
        assert {row["n_bytes"] for row in told["recordings.csv"]} == {str(len(whole))}
        digests = {row["sha256"] for row in told["recordings.csv"]} - {""}
        assert digests <= {sha256(whole).hexdigest()}


def test_a_missing_sound_leaves_nothing(ward: Ward, tmp_path: Path) -> None:
    """An export with sound is whole or absent, too."""
    ward.submit(ward.request(ward.recordings(), consent=agreed(ward, audio_sharing=True)))
    ward.audio.files.clear()
    with pytest.raises(AudioMissing):
        exported(ward, tmp_path / "out", audio=True, reason=REASON)
    assert list(tmp_path.iterdir()) == []


def test_two_exports_with_sound_are_the_same_bytes(ward: Ward, tmp_path: Path) -> None:
    """The sums of one are those of the other."""
    ward.submit(ward.request(ward.recordings(), consent=agreed(ward, audio_sharing=True)))
    work(ward)
    for name in ("first", "second"):
        exported(ward, tmp_path / name, audio=True, study="voz-2026", reason=REASON)
    first, second = ((tmp_path / name / "SHA256SUMS").read_bytes() for name in ("first", "second"))
    assert first == second
    assert b"audio/" in first


# --- what programs are told


def test_limits_and_choices_are_told_to_programs(ward: Ward, tmp_path: Path) -> None:
    """What no valid record can go beyond is a constraint of the data package."""
    sent(ward)
    exported(ward, tmp_path / "out")
    package = json.loads((tmp_path / "out" / "datapackage.json").read_text(encoding="utf-8"))
    fields = {
        resource["path"]: {field["name"]: field for field in resource["schema"]["fields"]}
        for resource in package["resources"]
    }
    told = {name: one.get("constraints") for name, one in fields["inferences.csv"].items()}
    assert told["id"] == {"required": True, "unique": True}
    assert told["spo2"] == {"minimum": 30, "maximum": 100}
    assert told["mask_type"] == {"enum": ["NONE", "THIN", "THICK"]}
    assert told["diagnosis"] == {"enum": ["positive", "negative", "inconclusive"]}
    assert fields["inferences.csv"]["spo2"]["unit"] == "%"
    assert fields["recordings.csv"]["inference_id"]["constraints"] == {"required": True}
    codes = {(one["file"], one["column"]): one for one in rows(tmp_path / "out", "codebook.csv")}
    assert codes["recordings.csv", "verdict"]["values"] == "ok | warn | fail"


def test_small_groups_are_told_to_people(ward: Ward, tmp_path: Path) -> None:
    """In words, with their number: they are left in."""
    for number in range(5):
        with_answers(ward, rgh=f"1425940{number}E", age=61)
    with_answers(ward, rgh="14259406E", age=33)

    counts = export(ward, tmp_path / "out")

    assert (counts.n_small_groups, counts.n_in_small_groups) == (1, 1)
    text = (tmp_path / "out" / "README.txt").read_text(encoding="utf-8")
    assert "1, with 1 patients. They are left in." in text
    assert digest_of("x") not in text


def test_a_cut_is_told_by_its_month_where_dates_are_moved(ward: Ward, tmp_path: Path) -> None:
    """Its day would bound by how much each patient was moved; the audit has it whole."""
    sent(ward)
    exported(ward, tmp_path / "out", since=NOON - timedelta(days=1))
    told = json.loads((tmp_path / "out" / "provenance.json").read_text(encoding="utf-8"))
    assert told["options"]["since"] == "2026-02"
    *_, entry = (r.entry for r in ward.records.audit.rows() if r.entry.action == "export.written")
    assert str(entry.details["since"]).startswith("2026-02-28T")


@pytest.mark.parametrize("dates", [Dates.SHIFTED, Dates.MONTH_HOUR])
def test_what_two_exports_tell_together_is_said(ward: Ward, tmp_path: Path, dates: Dates) -> None:
    """What is new in the later one came between them, and its id is the same in all."""
    sent(ward)
    first = exported(ward, tmp_path / "first", dates=dates)["inferences.csv"]
    new = sent(ward)
    later = exported(ward, tmp_path / "later", dates=dates)["inferences.csv"]

    assert {row["id"] for row in later} - {row["id"] for row in first} == {told_id(new.id)}
    text = " ".join((tmp_path / "later" / "README.txt").read_text(encoding="utf-8").split())
    assert "received between" in text
    assert "ids are the same at every export of this study" in text.lower()


def test_who_said_no_to_this_study_is_not_in_it(ward: Ward, tmp_path: Path) -> None:
    """Taking part was accepted, this use was not."""
    asked = ward.request(ward.recordings())
    ward.submit(replace(asked, consent=replace(asked.consent, purposes={"study": False})))
    assert exported(ward, tmp_path / "out")["inferences.csv"] == []
