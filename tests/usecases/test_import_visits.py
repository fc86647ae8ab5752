"""What another box exported, and SPIRA's older lists, become visits of a research box."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance.core.audit import AuditAction
from appliance.core.errors import FileMissing, InvalidRequest
from appliance.core.export_choice import ExportChoice
from appliance.core.export_dates import Dates
from appliance.core.ids import HospitalId, RecordingId, TabletId
from appliance.core.import_aliases import Aliases, read_aliases
from appliance.core.inference import ConsentDecision, Inference, Purpose
from appliance.core.result import ResultState
from appliance.core.tablet import Tablet
from appliance.usecases.import_ready import Wanted
from appliance.usecases.import_sources import import_source
from appliance.usecases.import_visits import MAX_FAULTS, ImportBox, ImportCounts, import_visits
from tests.builders import NOON, a_hospital, an_audit, digest_of
from tests.fakes import open_fake_records
from tests.usecases.test_export import RGH, export, rows
from tests.usecases.test_export_choices import REASON, agreed, unverified
from tests.usecases.ward import Ward, a_voice

MASK = read_aliases("[defaults]\nmask_type = 'THIN'\ncaptured_at = '2020-06-01'\n")
"""What the lists of 2021 do not say."""

NONE = Aliases()
HOSPITAL = a_hospital().name


@pytest.fixture
def research() -> Ward:
    """Another box, with nobody in it."""
    return Ward(records=open_fake_records())


def taken_in(
    ward: Ward,
    place: Path,
    *,
    aliases: Aliases = NONE,
    progress: Callable[[str], None] = lambda _step: None,
    **wanted: Any,  # noqa: ANN401 - as `Wanted`
) -> ImportCounts:
    """Import what lies there."""
    return import_visits(
        import_source(place, aliases),
        Wanted(user_id=ward.nurse.id, **wanted),
        actor="console",
        progress=progress,
        box=ImportBox(
            records=ward.submission_records(),
            tablets=ward.records.tablets,
            audit=ward.records.audit,
            audio=ward.audio,
            queue=ward.queue,
            clock=ward.clock,
            new_id=ward.new_id,
        ),
    )


def visit(ward: Ward, *, days_ago: int = 0, **answers: object) -> Inference:
    """Return a visit whose sound may leave."""
    request = ward.request(
        ward.recordings(),
        captured_at=NOON - timedelta(days=days_ago),
        consent=agreed(ward, audio_sharing=True),
    )
    return ward.submit(replace(request, form={**request.form, **answers}))[0]


@pytest.fixture
def exported(ward: Ward, tmp_path: Path) -> Path:
    """An export with sound: one patient twice, another once."""
    visit(ward, age=61, o2_support="mask", o2_flow_lpm=0.1 + 0.2)
    visit(ward, days_ago=3, age=61, spo2_at="2026-02-26T08:30:00-03:00")
    visit(ward, rgh="13817615A", gender="Masculino", covid_status="TRUE", hospitalized=False)
    choice = ExportChoice(study="voz-2026", audio=True, reason=REASON)
    export(ward, tmp_path / "export", choice=choice)
    return tmp_path / "export"


def a_list(place: Path, text: str, **sounds: bytes) -> Path:
    """Write a list of 2021 beside its sounds."""
    place.mkdir(exist_ok=True)
    for name, content in sounds.items():
        (place / f"{name}.wav").write_bytes(content)
    (place / "train.csv").write_text(text, encoding="utf-8")
    return place / "train.csv"


def faults_of(ward: Ward, place: Path, **how: Any) -> set[tuple[str, str]]:  # noqa: ANN401
    """Return what is wrong with an import, of which nothing was stored."""
    head = ward.records.audit.head()
    with pytest.raises(InvalidRequest) as refusal:
        taken_in(ward, place, **how)
    assert ward.records.audit.head() == head
    assert list(ward.records.inferences.each()) == []
    return {(fault.field, fault.code) for fault in refusal.value.errors}


# --- an export of a box


def test_an_export_becomes_visits(exported: Path, research: Ward) -> None:
    """Answers, sounds, consents and visits of one patient stay what they were."""
    counts = taken_in(research, exported)

    told = {row["id"]: row for row in rows(exported, "inferences.csv")}
    stored = {one.id: one for one in research.records.inferences.each()}
    assert counts == ImportCounts(n_inferences=3, n_recordings=6)
    assert stored.keys() == told.keys()
    for inference_id, one in stored.items():
        row = told[inference_id]
        assert one.purpose is Purpose.COLLECTION
        assert one.captured_at == datetime.fromisoformat(row["created_in"])
        assert (one.form["rgh"], one.form["gender"]) == (row["patient_id"], row["gender"])
        assert str(one.form["age"] or "") == row["age"]
        assert one.consent.decision is ConsentDecision.ACCEPTED
        assert one.consent.purposes == {"study": True, "audio_sharing": True}
        assert dict(one.not_done) == {"aceite": "other"}
        assert {place.role for place in one.attachments} == {"sustentada", "parlenda"}
    assert len({one.form["rgh"] for one in stored.values()}) == 2
    assert 0.1 + 0.2 in {one.form["o2_flow_lpm"] for one in stored.values()}
    table = rows(exported, "recordings.csv")
    sounds = {RecordingId(row["id"]): row["sha256"] for row in table if row["path"]}
    here = research.records.recordings.recordings(tuple(sounds))
    assert {one.id: one.sha256 for one in here} == sounds
    assert {research.audio.read(one.sha256) for one in here} == {a_voice()}


def test_what_was_imported_can_be_exported_again(
    exported: Path, research: Ward, tmp_path: Path
) -> None:
    """With the same answers and measures, under the names of the other box's study."""
    taken_in(research, exported)

    choice = ExportChoice(identified=True, dates=Dates.TRUE, reason=REASON)
    export(research, tmp_path / "again", choice=choice)

    def content(place: Path) -> list[dict[str, str]]:
        own = {"user_id", "hospital_id", "model_id", "model_name", "diagnosis", "reason", "status"}
        own |= {"patient_id", "received_at", "purpose", "rgh", "rgh_absent_reason"}
        own |= {"rgh_check", "not_done_aceite"}
        table = rows(place, "inferences.csv")
        return [{k: v for k, v in row.items() if k not in own} for row in table]

    assert content(tmp_path / "again") == content(exported)


def test_an_import_is_audited_and_can_be_repeated(exported: Path, research: Ward) -> None:
    """The second time everything is here; the audit has each, with the digest of the source."""
    taken_in(research, exported)
    again = taken_in(research, exported)

    assert again == ImportCounts(n_here=3)
    *_, last = research.records.audit.rows()
    assert (last.entry.action, last.entry.details["n_here"]) == (AuditAction.IMPORTED, 3)
    assert last.entry.details["sha256"] == import_source(exported, NONE).sha256


def test_a_stop_in_the_middle_is_gone_on_from(exported: Path, research: Ward) -> None:
    """What was stored stays, the rest follows."""

    def stop(step: str) -> None:
        if step == "1 stored":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        taken_in(research, exported, progress=stop)
    assert taken_in(research, exported) == ImportCounts(n_inferences=2, n_recordings=4, n_here=1)


def test_what_is_rejected_stays_outside(exported: Path, research: Ward) -> None:
    """By the id it has in the export."""
    gone = rows(exported, "inferences.csv")[0]["id"]
    counts = taken_in(research, exported, rejected=frozenset({gone, "not-there"}))
    assert (counts.n_inferences, counts.n_rejected) == (2, 1)
    assert gone not in {one.id for one in research.records.inferences.each()}


def test_a_hospital_that_is_not_here_is_named(exported: Path, research: Ward) -> None:
    """Whether the rows say so, the alias map, or who imports."""
    lacking = {(f"inferences.csv line {line}, local", "unknown-hospital") for line in (2, 3, 4)}
    words = read_aliases(f"[values.local]\n'{HOSPITAL}' = 'Outro'")
    assert faults_of(research, exported, aliases=words) == lacking
    assert faults_of(research, exported, hospital="Outro") == lacking

    other = a_hospital(id=HospitalId("hospital-2"), name="Outro")
    research.records.hospitals.add_hospital(other, audit=an_audit())
    assert taken_in(research, exported, aliases=words).n_inferences == 3
    assert {one.hospital_id for one in research.records.inferences.each()} == {other.id}


def test_the_default_model_answers_if_asked(exported: Path, research: Ward) -> None:
    """As it would answer a nurse."""
    taken_in(research, exported, purpose=Purpose.INFERENCE)
    for one in research.records.inferences.each():
        (result,) = research.records.inferences.results(one.id)
        assert result.state is ResultState.QUEUED


@pytest.mark.parametrize(
    ("table", "old", "new"),
    [
        ("inferences.csv", b",93,", b",94,"),
        ("recordings.csv", b"sustentada", b"parlenda"),
        ("consents.csv", b"accepted", b"refused"),
    ],
)
def test_a_table_that_was_changed_is_refused(
    exported: Path, research: Ward, table: str, old: bytes, new: bytes
) -> None:
    """Its sum tells."""
    content = (exported / table).read_bytes()
    assert old in content
    (exported / table).write_bytes(content.replace(old, new))
    assert faults_of(research, exported) == {(table, "digest")}


def test_a_sound_that_was_changed_or_is_gone_is_refused(exported: Path, research: Ward) -> None:
    """Its row tells; nothing else of the export is stored either."""
    told = rows(exported, "inferences.csv")
    sounds = {r["inference_id"]: r["path"] for r in rows(exported, "recordings.csv") if r["path"]}
    first, second = (sounds[row["id"]] for row in told[:2])
    (exported / first).write_bytes(a_voice(level=0.2))
    (exported / second).unlink()
    assert faults_of(research, exported) == {
        (f"inferences.csv line 2, {first}", "digest"),
        (f"inferences.csv line 3, {second}", "file-missing"),
    }


def test_half_an_export_is_none(exported: Path, research: Ward, tmp_path: Path) -> None:
    """Without its sums it is not whole; what is not there is said."""
    (exported / "SHA256SUMS").unlink()
    assert faults_of(research, exported) == {("export", "format")}
    with pytest.raises(FileMissing):
        taken_in(research, tmp_path / "absent")


def test_a_box_with_tablets_takes_nothing_in(exported: Path, research: Ward) -> None:
    """Patients are seen there; a tablet that was revoked is no reason."""
    tablet = Tablet(
        id=TabletId("ward-3"), name="Ala 3", created_at=NOON, code_ends_at=NOON + timedelta(days=1)
    )
    research.records.tablets.add_tablet(tablet, code=digest_of("code"), audit=an_audit())
    assert faults_of(research, exported) == {("box", "tablets")}
    research.records.tablets.revoke_tablet(tablet.id, audit=an_audit())
    assert taken_in(research, exported).n_inferences == 3


def test_an_unverified_consent_stays_one(ward: Ward, research: Ward, tmp_path: Path) -> None:
    """A request of 2022 tells nothing of consent, on no box."""
    unverified(ward)
    choice = ExportChoice(include_unverified=True, audio=True, reason=REASON)
    export(ward, tmp_path / "export", choice=choice)
    taken_in(research, tmp_path / "export")
    (one,) = research.records.inferences.each()
    assert one.consent.decision is ConsentDecision.UNVERIFIED
    assert one.form["rgh"] != RGH


# --- a list of 2021


def test_a_list_of_2021_becomes_visits(research: Ward, tmp_path: Path) -> None:
    """One sentence of one person a line; its class is the group and the label."""
    text = "file_path,class,sexo,idade,nivel_falta_de_ar\na.wav,1,F,61,5\nb.wav,0,M,,0\n"
    place = a_list(tmp_path / "p1", text, a=a_voice(), b=a_voice(level=0.2))

    counts = taken_in(research, place, aliases=MASK, hospital=HOSPITAL)

    assert counts == ImportCounts(n_inferences=2, n_recordings=2)
    told = {str(one.form["sample_type"]): one for one in research.records.inferences.each()}
    patient, control = told["PATIENT"], told["CONTROL"]
    assert (patient.form["gender"], patient.form["age"]) == ("Feminino", 61)
    assert (control.form["gender"], control.form["age"]) == ("Masculino", None)
    assert patient.form["respiratory_insufficiency_status"] is True
    assert control.form["respiratory_insufficiency_status"] is False
    assert patient.form["rgh"] != control.form["rgh"]
    for one in told.values():
        assert one.consent.decision is ConsentDecision.UNVERIFIED
        assert one.captured_at == datetime(2020, 6, 1, tzinfo=UTC)
        assert [place.role for place in one.attachments] == ["frase"]
        assert set(one.not_done) == set(research.protocol.required_roles)
    assert taken_in(research, place, aliases=MASK, hospital=HOSPITAL).n_here == 2


def test_a_list_of_a_spreadsheet_in_other_words(research: Ward, tmp_path: Path) -> None:
    """Semicolons, a byte order mark, columns and roles of its own."""
    text = "\ufeffarquivo;insuficiencia;quem\na.wav;sim;p-1\n"
    place = a_list(tmp_path / "p2", text, a=a_voice())
    words = read_aliases(
        "[columns]\narquivo = 'file_path'\nquem = 'rgh'\n"
        "insuficiencia = 'respiratory_insufficiency_status'\n"
        "[values.respiratory_insufficiency_status]\nSim = true\n[defaults]\nrole = 'parlenda'\n"
    ).over(MASK)
    taken_in(research, place, aliases=words, hospital=HOSPITAL)
    (one,) = research.records.inferences.each()
    assert (one.form["rgh"], one.attachments[0].role) == ("p-1", "parlenda")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("file_path,class\na.wav,2\n", {("line 2, sample_type", "enum")}),
        ("file_path,class\nnone.wav,1\n", {("line 2, none.wav", "file-missing")}),
        ("file_path,class\n../a.wav,1\n", {("line 2, ../a.wav", "file-missing")}),
        ("file_path,class\n,1\n", {("line 2, file_path", "required")}),
        ("file_path,class\ntrain.csv,1\n", {("line 2, train.csv", "unsupported-audio")}),
        ("file_path,class,note\na.wav,1,x\n", {("line 2, note", "unknown")}),
        ("file_path,class\na.wav,1\na.wav,0\n", {("line 3, file_path", "duplicate")}),
        ("file_path,class,role\na.wav,1,song\n", {("line 2, role", "enum")}),
        ("file_path,class,captured_at\na.wav,1,June\n", {("line 2, captured_at", "format")}),
        ("file_path,class\na.wav\n", {("line 2", "length")}),
        ("path,class\na.wav,1\n", {("", "header")}),
    ],
)
def test_what_is_wrong_with_a_list_is_said_by_line(
    research: Ward, tmp_path: Path, text: str, expected: set[tuple[str, str]]
) -> None:
    """And nothing of it is stored, also of the lines that are right."""
    place = a_list(tmp_path / "p1", text, a=a_voice())
    (tmp_path / "a.wav").write_bytes(a_voice())
    found = faults_of(research, place, aliases=MASK, hospital=HOSPITAL)
    named = {(field.removeprefix("train.csv").strip(), code) for field, code in found}
    assert named >= expected
    assert len({field.split(",")[0] for field, _ in named}) == 1


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("file_path,class,sexo\na.wav,1,\xe9\n".encode("latin-1"), ("train.csv", "encoding")),
        (b"\xff\xfe", ("train.csv", "encoding")),
        (b'file_path,class\n"a.wav,1\n', ("train.csv line 2", "format")),
    ],
)
def test_what_is_no_csv_is_said(
    research: Ward, tmp_path: Path, content: bytes, fault: tuple[str, str]
) -> None:
    """Save it as UTF-8: nothing is guessed."""
    place = tmp_path / "train.csv"
    place.write_bytes(content)
    assert faults_of(research, place, aliases=MASK) == {fault}


def test_what_a_list_does_not_say_has_to_be_said(research: Ward, tmp_path: Path) -> None:
    """The day, the mask and the hospital: nothing is guessed."""
    place = a_list(tmp_path / "p1", "file_path,class\na.wav,1\n", a=a_voice())
    assert faults_of(research, place) == {("train.csv line 2, captured_at", "required")}
    day = read_aliases("[defaults]\ncaptured_at = '2020-06-01'")
    assert faults_of(research, place, aliases=day) == {
        ("train.csv line 2, local", "required"),
        ("train.csv line 2, mask_type", "required"),
    }


def test_no_more_faults_are_told_than_can_be_read(research: Ward, tmp_path: Path) -> None:
    """Whoever has more mends these first."""
    lines = "".join(f"{number}.wav,1\n" for number in range(2 * MAX_FAULTS))
    place = a_list(tmp_path / "p1", f"file_path,class\n{lines}")
    assert len(faults_of(research, place, aliases=MASK)) == MAX_FAULTS


def test_other_answers_for_the_same_sound_are_refused(research: Ward, tmp_path: Path) -> None:
    """What is here is never changed by an import."""
    place = a_list(tmp_path / "p1", "file_path,class\na.wav,1\n", a=a_voice())
    taken_in(research, place, aliases=MASK, hospital=HOSPITAL)
    (tmp_path / "p1" / "train.csv").write_text("file_path,class\na.wav,0\n")
    with pytest.raises(InvalidRequest) as refusal:
        taken_in(research, place, aliases=MASK, hospital=HOSPITAL)
    assert [fault.code for fault in refusal.value.errors] == ["conflict"]


def test_a_name_can_be_rejected_from_a_list(research: Ward, tmp_path: Path) -> None:
    """As the list writes it, also where its line is at fault."""
    text = "file_path,class\na.wav,1\nnone.wav,1\n"
    place = a_list(tmp_path / "p1", text, a=a_voice())
    counts = taken_in(
        research, place, aliases=MASK, hospital=HOSPITAL, rejected=frozenset({"none.wav"})
    )
    assert (counts.n_inferences, counts.n_rejected) == (1, 1)


def test_a_list_with_every_line_is_read(research: Ward, tmp_path: Path) -> None:
    """A quoted cell may hold what divides."""
    place = tmp_path / "p1"
    place.mkdir()
    (place / "a,b.wav").write_bytes(a_voice())
    with (place / "train.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file_path", "class"), ("a,b.wav", "1")])
    counts = taken_in(research, place / "train.csv", aliases=MASK, hospital=HOSPITAL)
    assert counts.n_inferences == 1
