"""Two studies of one box hold the same patients, and nothing in their exports joins them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import combinations
from pathlib import Path

import pytest

from appliance.core.export_choice import ExportChoice
from appliance.core.ids import InferenceId
from appliance.core.inference import Inference
from tests.builders import NOON, digest_of
from tests.usecases.test_export import RGH, export, rows, work
from tests.usecases.test_export_choices import REASON, TABLES, agreed
from tests.usecases.ward import Ward, a_voice

DOCUMENTS = {"protocol_sha256", "graph_sha256", "text_sha256", "prompt_sha256"}
"""Digests of what is no patient's: a protocol, a graph, a text that is read to everybody."""

STUDIES = ("voz-2026", "voz-2027", None)


def visit(ward: Ward, *, rgh: str = RGH, days_ago: int = 0) -> Inference:
    """Return a visit of a patient, at an instant that no other has, with dates in its form."""
    request = ward.request(
        ward.recordings(),
        captured_at=NOON - timedelta(days=days_ago, hours=days_ago, microseconds=123_456),
        consent=agreed(ward, audio_sharing=True),
    )
    answers = {
        "rgh": rgh,
        "spo2_at": f"2026-02-0{1 + days_ago}T08:31:59.250-03:00",
        "covid_status": "TRUE",
        "hospitalized": True,
        "hospitalization_start": f"2026-01-1{days_ago}",
    }
    return ward.submit(replace(request, form={**request.form, **answers}))[0]


@pytest.fixture
def busy(ward: Ward) -> Ward:
    """A ward with two patients, one of whom came twice, and their results."""
    visit(ward)
    visit(ward, days_ago=3)
    visit(ward, rgh="13817615A", days_ago=1)
    work(ward)
    return ward


def keys(directory: Path) -> dict[str, set[str]]:
    """Return the values of every id, digest, date and instant of an export, by their column."""
    package = json.loads((directory / "datapackage.json").read_text(encoding="utf-8"))
    found: dict[str, set[str]] = {}
    for resource in package["resources"]:
        if resource["path"] not in TABLES:
            continue
        cells = rows(directory, resource["path"])
        for field in resource["schema"]["fields"]:
            name = field["name"]
            is_key = name.split("_")[-1] in {"id", "sha256"} or field["type"] in {
                "date",
                "datetime",
            }
            if is_key and name not in DOCUMENTS:
                found[f"{resource['path']} {name}"] = {row[name] for row in cells} - {""}
    return found


def test_no_key_of_one_study_is_in_another(busy: Ward, tmp_path: Path) -> None:
    """Neither an id nor a digest nor a time; later exports of a study have all of them again."""
    told = {}
    for study in STUDIES:
        export(busy, tmp_path / f"{study}", choice=ExportChoice(study=study))
        export(busy, tmp_path / f"{study} again", choice=ExportChoice(study=study))
        told[study] = keys(tmp_path / f"{study}")
        assert told[study] == keys(tmp_path / f"{study} again")

    filled = {column for column, values in told["voz-2026"].items() if values}
    assert {
        "inferences.csv id",
        "inferences.csv patient_id",
        "inferences.csv user_id",
        "inferences.csv hospital_id",
        "inferences.csv model_id",
        "inferences.csv created_in",
        "inferences.csv spo2_at",
        "inferences.csv hospitalization_start",
        "results.csv id",
        "results.csv computed_at",
        "recordings.csv id",
        "recordings.csv received_at",
        "consents.csv id",
        "consents.csv taken_at",
    } <= filled
    for one, other in combinations(STUDIES, 2):
        values = set[str]().union(*told[other].values())
        shared = {name: found & values for name, found in told[one].items() if found & values}
        assert not shared, (one, other)


def test_no_id_of_the_box_is_in_an_export(busy: Ward, tmp_path: Path) -> None:
    """In no file of any study, nor in one without; a row is found by whoever may identify."""
    each = [*busy.records.inferences.each()]
    ids: set[str] = {one.id for one in each} | {one.user_id for one in each}
    ids |= {str(one.hospital_id) for one in each} | {str(one.model_id) for one in each}
    ids |= {place.recording_id for one in each for place in one.attachments}
    for one in each:
        ids |= {result.id for result in busy.records.inferences.results(one.id)}
        ids |= {consent.id for consent in busy.records.inferences.consents(one.id)}
    assert None not in ids

    for study in STUDIES:
        out = tmp_path / f"{study}"
        export(busy, out, choice=ExportChoice(study=study))
        whole = b"".join(path.read_bytes() for path in out.iterdir())
        assert [one for one in ids if one.encode() in whole] == []
    named = tmp_path / "named"
    export(busy, named, choice=ExportChoice(study="voz-2026", identified=True, reason=REASON))
    assert {row["id"] for row in rows(named, "inferences.csv")} == {one.id for one in each}


def test_no_second_of_the_day_is_told(busy: Ward, tmp_path: Path) -> None:
    """Moved by whole days, a microsecond would join all that happened in it."""
    export(busy, tmp_path / "out", choice=ExportChoice(study="voz-2026"))

    package = json.loads((tmp_path / "out" / "datapackage.json").read_text(encoding="utf-8"))
    told = [
        datetime.fromisoformat(row[field["name"]])
        for resource in package["resources"]
        for field in resource["schema"]["fields"]
        for row in rows(tmp_path / "out", resource["path"])
        if field["type"] == "datetime" and row[field["name"]]
    ]
    assert len(told) > 10
    assert {(at.second, at.microsecond) for at in told} == {(0, 0)}


def test_tables_join_by_their_pseudonyms(busy: Ward, tmp_path: Path) -> None:
    """Every row of the other tables is of one inference, every model of both tables is one."""
    export(busy, tmp_path / "out", choice=ExportChoice(study="voz-2026"))

    told = {name: rows(tmp_path / "out", name) for name in TABLES}
    ids = {row["id"] for row in told["inferences.csv"]}
    assert len(ids) == 3
    for name in TABLES[1:]:
        assert {row["inference_id"] for row in told[name]} == ids
    asked = {row["model_id"] for row in told["inferences.csv"]}
    assert asked == {row["model_id"] for row in told["results.csv"]}
    assert len({row["hospital_id"] for row in told["inferences.csv"]}) == 1
    assert len({row["patient_id"] for row in told["inferences.csv"]}) == 2


def test_a_digest_leaves_with_its_sound_or_with_names_alone(busy: Ward, tmp_path: Path) -> None:
    """That of the file beside it; of every file on the box where patients are identified."""
    on_the_box = sha256(a_voice()).hexdigest()
    choices = {
        "bare": ExportChoice(study="voz-2026"),
        "sound": ExportChoice(study="voz-2026", audio=True, reason=REASON),
        "named": ExportChoice(study="voz-2026", identified=True, reason=REASON),
    }
    for name, choice in choices.items():
        export(busy, tmp_path / name, choice=choice)

    assert {row["sha256"] for row in rows(tmp_path / "bare", "recordings.csv")} == {""}
    for row in rows(tmp_path / "sound", "recordings.csv"):
        assert bool(row["sha256"]) is bool(row["path"]) is (row["role"] != "aceite")
        if row["path"]:
            content = (tmp_path / "sound" / row["path"]).read_bytes()
            assert row["sha256"] == sha256(content).hexdigest()
    assert {row["sha256"] for row in rows(tmp_path / "named", "recordings.csv")} == {on_the_box}


def test_a_digest_that_no_protocol_has_stays(ward: Ward, tmp_path: Path) -> None:
    """What a program calls the words it read could be a key of its own; those of a protocol go."""
    known = next(task for task in ward.protocol.recordings if task.role == "sustentada")
    words = sha256(known.prompts["pt-BR"].encode()).hexdigest()
    digests = {"sustentada": words, "parlenda": digest_of("of this patient")}
    request = ward.request(
        ward.recordings(), id=InferenceId("a0000000-0000-4000-8000-000000000001")
    )
    places = tuple(replace(one, prompt_sha256=digests.get(one.role)) for one in request.attachments)
    ward.submit(replace(request, attachments=places))

    export(ward, tmp_path / "out")

    told = {row["role"]: row["prompt_sha256"] for row in rows(tmp_path / "out", "recordings.csv")}
    assert (told["sustentada"], told["parlenda"]) == (words, "")
