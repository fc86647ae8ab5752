"""An export is whole or absent, the same for the same records, and names no patient."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from textwrap import dedent

import pytest

from appliance import __version__
from appliance.adapters.parquet_files import WriteParquet
from appliance.core.audit import AuditAction
from appliance.core.errors import InvalidRequest, TargetNotEmpty, TargetUnwritable
from appliance.core.export_choice import ExportChoice
from appliance.core.export_found import ExportCounts
from appliance.core.ids import HospitalId, InferenceId, ProtocolId, ResultId
from appliance.core.inference import Consent, ConsentDecision, Inference
from appliance.core.protocol import parse_protocol
from appliance.core.pseudonym import record_pseudonym
from appliance.usecases.export import ExportRecords, export_tables
from appliance.usecases.predict import predict_next
from tests.builders import NOON, a_consent, a_hospital, an_audit, an_installed_protocol
from tests.usecases.ward import PROTOCOL, Ward, a_voice

KEY = bytes(range(32))
RGH = "14259401E"
ANY = ExportChoice()
"""What is asked for where nothing is said."""


def export(
    ward: Ward,
    target: Path,
    *,
    key: bytes = KEY,
    choice: ExportChoice = ANY,
    parquet: WriteParquet | None = None,
    progress: Callable[[int], None] = lambda _number: None,
) -> ExportCounts:
    """Export a ward."""
    return export_tables(
        target,
        pseudonym_key=key,
        choice=choice,
        actor="console",
        progress=progress,
        clock=lambda: NOON,
        new_id=lambda: "export-1",
        records=ExportRecords(
            protocols=ward.records.protocols,
            inferences=ward.records.inferences,
            recordings=ward.records.recordings,
            audio=ward.audio,
            audit=ward.records.audit,
            parquet=parquet,
        ),
    )


def told(record_id: str) -> str:
    """Return the id of a record as an export without a study tells it."""
    return record_pseudonym(KEY, record_id)


def sent(ward: Ward) -> Inference:
    """Return an inference of the one patient, with good recordings."""
    return ward.submit(ward.request(ward.recordings()))[0]


def work(ward: Ward) -> None:
    """Compute whatever waits."""

    def predict(result_id: ResultId) -> None:
        predict_next(result_id, scoring=ward.scoring())

    ward.queue.run(predict)


def header(path: Path) -> list[str]:
    """Return the names of a table's columns."""
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def rows(directory: Path, name: str) -> list[dict[str, str]]:
    """Return the rows of a table."""
    with (directory / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def lines_for(directory: Path, tool: str) -> str:
    """Return what the README of an export tells of a tool: what is set in under its name."""
    text = (directory / "README.txt").read_text(encoding="utf-8")
    found = re.search(rf"^  {tool}\b.*\n((?:    .*\n|\n)+)", text, re.MULTILINE)
    assert found, text
    return dedent(found[1])


def withdraw(ward: Ward, inference_id: InferenceId) -> None:
    """Take a consent back."""
    consent: Consent = a_consent(decision=ConsentDecision.WITHDRAWN, taken_at=ward.clock())
    entry = an_audit(AuditAction.CONSENT_WITHDRAWN, inference_id)
    ward.records.inferences.add_consent(inference_id, consent, audit=entry)


def test_each_inference_is_a_row_with_its_answers(ward: Ward, tmp_path: Path) -> None:
    """Answers, results and recordings stand in their tables and find each other by id."""
    inference = sent(ward)
    work(ward)

    counts = export(ward, tmp_path / "out")

    (row,) = rows(tmp_path / "out", "inferences.csv")
    assert (row["id"], row["spo2"], row["consent"]) == (told(inference.id), "93", "accepted")
    assert {r["inference_id"] for r in rows(tmp_path / "out", "results.csv")} == {row["id"]}
    recordings = rows(tmp_path / "out", "recordings.csv")
    assert {r["id"] for r in recordings} == {told(a.recording_id) for a in inference.attachments}
    assert counts == ExportCounts(
        n_inferences=1,
        n_results=1,
        n_recordings=len(recordings),
        n_small_groups=1,
        n_in_small_groups=1,
    )


def test_no_file_holds_the_rgh(ward: Ward, tmp_path: Path) -> None:
    """Nothing that names a patient leaves, whatever its spelling."""
    sent(ward)

    export(ward, tmp_path / "out")

    whole = b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir()).upper()
    assert RGH.encode() not in whole
    assert "rgh" not in header(tmp_path / "out" / "inferences.csv")


def test_the_same_records_give_the_same_bytes(ward: Ward, tmp_path: Path) -> None:
    """An export can be cited by its hash."""
    sent(ward)
    work(ward)

    export(ward, tmp_path / "first")
    export(ward, tmp_path / "second")

    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()


def test_a_patient_keeps_the_pseudonym_of_the_box(ward: Ward, tmp_path: Path) -> None:
    """One patient, one pseudonym at every export; another key, another one."""
    sent(ward)
    sent(ward)

    export(ward, tmp_path / "out")
    export(ward, tmp_path / "other", key=bytes(32))

    first, second = (row["patient_id"] for row in rows(tmp_path / "out", "inferences.csv"))
    (other, _) = (row["patient_id"] for row in rows(tmp_path / "other", "inferences.csv"))
    assert first == second != other
    assert len(bytes.fromhex(first)) * 8 >= 128


def test_a_study_has_pseudonyms_of_its_own(ward: Ward, tmp_path: Path) -> None:
    """Later exports of it join, those of another study do not, and no id of the box is in any."""
    inference = sent(ward)
    columns = ("patient_id", "user_id")
    found = []
    for number, study in enumerate(("voz-2026", "voz-2026", "voz-2027", None)):
        out = tmp_path / str(number)
        export(ward, out, choice=ExportChoice(study=study))
        (row,) = rows(out, "inferences.csv")
        found.append(tuple(row[name] for name in columns))
        assert inference.user_id not in (out / "inferences.csv").read_text(encoding="utf-8")
        document = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
        assert document["options"]["study"] == study
    assert found[0] == found[1]
    assert len({value for pair in found[1:] for value in pair}) == 6
    with pytest.raises(InvalidRequest, match="study"):
        export(ward, tmp_path / "bad", choice=ExportChoice(study="Voz 2026"))
    assert not (tmp_path / "bad").exists()


def test_who_took_consent_back_is_in_no_file(ward: Ward, tmp_path: Path) -> None:
    """Nor at another visit, unless consent was given anew since; and the count says so."""
    visit, gone = sent(ward), sent(ward)
    asked = ward.request(ward.recordings())
    other, _ = ward.submit(replace(asked, form={**asked.form, "rgh": "13817615A"}))
    withdraw(ward, gone.id)
    ward.now += timedelta(days=1)
    asked = ward.request(ward.recordings())
    anew = replace(asked.consent, taken_at=ward.now)
    again, _ = ward.submit(replace(asked, consent=anew, captured_at=ward.now))

    counts = export(ward, tmp_path / "out")

    assert (counts.n_inferences, counts.n_without_consent) == (2, 2)
    whole = b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir())
    in_it = {one.id: told(one.id).encode() in whole for one in (visit, gone, other, again)}
    assert list(in_it.values()) == [False, False, True, True]


def test_the_sums_are_those_of_the_files(ward: Ward, tmp_path: Path) -> None:
    """`sha256sum -c SHA256SUMS` finds every file whole."""
    export(ward, tmp_path / "out")

    lines = (tmp_path / "out" / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (tmp_path / "out").iterdir()
        if path.name != "SHA256SUMS"
    }
    assert found == sums


def test_an_export_is_audited_with_its_counts(ward: Ward, tmp_path: Path) -> None:
    """Whoever took data out stands in the audit, with how much."""
    sent(ward)

    export(ward, tmp_path / "out")

    *_, last = ward.records.audit.rows()
    assert (last.entry.action, last.entry.actor) == (AuditAction.EXPORTED, "console")
    assert last.entry.details["n_inferences"] == 1


def test_a_stop_in_the_middle_leaves_nothing(ward: Ward, tmp_path: Path) -> None:
    """Ctrl-C takes the half-made tables away and leaves no audit row of an export."""
    sent(ward)
    head = ward.records.audit.head()

    def stop(_number: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(ward, tmp_path / "out", progress=stop)

    assert list(tmp_path.iterdir()) == []
    assert ward.records.audit.head() == head


def test_a_used_directory_is_refused(ward: Ward, tmp_path: Path) -> None:
    """Nothing that is there is ever mixed with an export."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")

    with pytest.raises(TargetNotEmpty):
        export(ward, tmp_path / "out")

    assert [path.name for path in tmp_path.rglob("*")] == ["out", "thesis.txt"]


def test_an_empty_directory_is_taken(ward: Ward, tmp_path: Path) -> None:
    """A directory made for it beforehand will do."""
    (tmp_path / "out").mkdir()

    export(ward, tmp_path / "out")

    assert (tmp_path / "out" / "SHA256SUMS").exists()


def test_a_target_below_a_file_is_refused(ward: Ward, tmp_path: Path) -> None:
    """What cannot be written is said by name."""
    (tmp_path / "file").write_text("")

    with pytest.raises(TargetUnwritable):
        export(ward, tmp_path / "file" / "out")


def test_the_codebook_knows_every_column(ward: Ward, tmp_path: Path) -> None:
    """No column of any table is left unexplained."""
    export(ward, tmp_path / "out")

    explained = {(row["file"], row["column"]) for row in rows(tmp_path / "out", "codebook.csv")}
    for name in ("inferences.csv", "results.csv", "recordings.csv", "consents.csv"):
        assert {(name, column) for column in header(tmp_path / "out" / name)} <= explained


def test_the_snr_that_was_judged_is_exported(ward: Ward, tmp_path: Path) -> None:
    """With a recording of the room its noise counts, without one the recording's own."""
    sent(ward)
    ward.submit(
        ward.request({**ward.recordings(), "ruido": ward.record("ruido", a_voice(level=0.003))})
    )

    export(ward, tmp_path / "out")

    alone, *_ = (r for r in rows(tmp_path / "out", "recordings.csv") if r["role"] == "sustentada")
    assert alone["judged_snr_db"] == alone["snr_db"]
    judged = rows(tmp_path / "out", "recordings.csv")
    (room,) = (row for row in judged if row["role"] == "ruido")
    assert room["judged_snr_db"] == ""
    quiet = float(room["noise_db"])
    (beside,) = (
        row
        for row in judged
        if row["inference_id"] == room["inference_id"] and row["role"] == "sustentada"
    )
    assert float(beside["judged_snr_db"]) == float(beside["level_db"]) - quiet
    assert float(beside["judged_snr_db"]) < float(beside["snr_db"]) - 5


def test_the_codebook_holds_every_annotation(ward: Ward, tmp_path: Path) -> None:
    """What a protocol says of a field, its codebook says."""
    export(ward, tmp_path / "out")

    said = {row["column"]: row for row in rows(tmp_path / "out", "codebook.csv")}
    spo2, breaths = said["spo2"], said["respiratory_frequency"]
    assert (spo2["unit"], spo2["minimum"], spo2["soft_minimum"]) == ("%", "30", "70")
    assert (spo2["alert_at_most"], spo2["alert_at_least"], spo2["group"]) == (
        "91",
        "",
        "essentials",
    )
    assert (breaths["alert_at_most"], breaths["alert_at_least"]) == ("8", "25")
    assert said["spo2_at"]["shown_if"] == "spo2: any"
    assert said["fio2_pct"]["shown_if"] == "o2_support: any but room_air | unknown"
    assert said["hospitalized"]["shown_if"] == "covid_status: TRUE"
    assert said["hospitalization_start"]["shown_if"] == "hospitalized: true"
    assert said["spo2_at"]["not_after"] == "captured_at"
    assert said["last_positive_diagnose_date"]["not_before"] == "2019-12-01"
    assert said["respiratory_insufficiency_status"]["never_to_model"] == "true"
    helped = [field.name for field in ward.protocol.fields if field.helps]
    assert [name for name in said if said[name]["help"]] == helped != []


def test_no_two_columns_have_one_name(ward: Ward, tmp_path: Path) -> None:
    """Also a field that is called like a fixed column has one of its own."""
    document = json.loads(PROTOCOL)
    words = dict.fromkeys(document["languages"], "x")
    for name in ("id", "status", "purpose"):
        document["form"]["properties"][name] = {
            "type": "integer",
            "x-label": words,
            "x-group": "research",
        }
    document["id"] = "spira-2030.1"
    content = json.dumps(document).encode()
    ward.records.protocols.install(
        an_installed_protocol(
            id=ProtocolId("spira-2030.1"), sha256=parse_protocol(content).sha256, document=content
        ),
        audit=an_audit(),
    )
    sent(ward)

    export(ward, tmp_path / "out")

    names = header(tmp_path / "out" / "inferences.csv")
    assert len(names) == len(set(names))
    assert {"id", "form_id", "form_status", "form_purpose"} <= set(names)


def test_text_that_a_spreadsheet_would_compute_is_guarded(ward: Ward, tmp_path: Path) -> None:
    """A hospital may be called what it likes: it stays text."""
    ward.records.hospitals.add_hospital(
        a_hospital(id=HospitalId("hospital-2"), name="=SUM(A1)"), audit=an_audit()
    )
    request = ward.request(ward.recordings())
    ward.submit(replace(request, form={**request.form, "local": "=SUM(A1)"}))

    export(ward, tmp_path / "out")

    (row,) = rows(tmp_path / "out", "inferences.csv")
    assert row["local"] == "'=SUM(A1)"


def test_the_tables_are_described_for_programs(ward: Ward, tmp_path: Path) -> None:
    """Every column in its place, every file by its digest, every key by what it points at."""
    sent(ward)
    work(ward)
    out = tmp_path / "out"
    export(ward, out)
    package = json.loads((out / "datapackage.json").read_text(encoding="utf-8"))
    resources = {one["path"]: one for one in package["resources"]}
    assert resources.keys() == {path.name for path in out.glob("*.csv")}
    for path, resource in resources.items():
        content = (out / path).read_bytes()
        assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert resource["bytes"] == len(content)
        assert [field["name"] for field in resource["schema"]["fields"]] == header(out / path)
    kinds = {f["name"]: f["type"] for f in resources["inferences.csv"]["schema"]["fields"]}
    named = [kinds[name] for name in ("spo2", "created_in", "gender")]
    assert named == ["integer", "datetime", "string"]
    (key,) = resources["results.csv"]["schema"]["foreignKeys"]
    assert key["reference"] == {"resource": "inferences", "fields": ["id"]}


def test_codebook_and_data_package_tell_the_same_columns_for_texts(
    ward: Ward, tmp_path: Path
) -> None:
    """Whoever reads an export takes the types from one or the other (README.txt)."""
    export(ward, tmp_path / "out")
    package = json.loads((tmp_path / "out" / "datapackage.json").read_text(encoding="utf-8"))
    other = {"integer", "number", "boolean"}
    texts = {
        (resource["path"], field["name"])
        for resource in package["resources"]
        for field in resource["schema"]["fields"]
        if field["type"] not in other and resource["path"] != "codebook.csv"
    }
    codebook = rows(tmp_path / "out", "codebook.csv")
    exported = [row for row in codebook if row["exported"] == "yes"]
    assert {(row["file"], row["column"]) for row in exported if row["type"] not in other} == texts
    assert len(texts) > 60


def test_an_export_says_where_it_comes_from(ward: Ward, tmp_path: Path) -> None:
    """Release, protocols, models with their graphs, and the newest record; no time of its own."""
    inference = sent(ward)
    work(ward)
    export(ward, tmp_path / "out")
    document = json.loads((tmp_path / "out" / "provenance.json").read_text(encoding="utf-8"))
    (result,) = ward.records.inferences.results(inference.id)
    assert document["box"] == {"version": __version__}
    assert [one["id"] for one in document["protocols"]] == [inference.protocol_id]
    assert [(one["name"], one["graph_sha256"]) for one in document["models"]] == [
        (result.model_name, result.graph_sha256)
    ]
    assert document["counts"]["n_inferences"] == 1
    assert result.computed_at is not None
    # A day would tell by how much the newest patient's dates were moved.
    assert document["newest_record_at"] == f"{result.computed_at:%Y-%m}"
    assert document["small_groups"] == {
        "k": 5,
        "by": ["hospital_id", "age in decades", "gender"],
        "n_groups": 1,
        "n_patients": 1,
    }


@pytest.mark.parametrize(("age", "expected"), [(89, "89"), (90, "90"), (104, "90")])
def test_ages_over_89_are_one(ward: Ward, tmp_path: Path, age: int, expected: str) -> None:
    """So few are so old that a year would tell who it is."""
    request = ward.request(ward.recordings())
    ward.submit(replace(request, form={**request.form, "age": age}))
    export(ward, tmp_path / "out")
    (row,) = rows(tmp_path / "out", "inferences.csv")
    assert row["age"] == expected
    explained = {one["column"]: one for one in rows(tmp_path / "out", "codebook.csv")}
    assert explained["age"]["meaning"].endswith("(90: or more)")
