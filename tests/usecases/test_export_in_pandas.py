"""What researchers read an export with reads it right."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from appliance.adapters.parquet_files import parquet_writer
from appliance.core.export_choice import ExportChoice
from appliance.core.export_dates import Dates
from appliance.core.ids import HospitalId
from tests.builders import a_hospital, an_audit
from tests.usecases.test_export import export, lines_for, rows, sent, told, work
from tests.usecases.test_export_choices import TIME_UUID, unverified, with_answers
from tests.usecases.ward import Ward, a_voice

pytestmark = pytest.mark.lab


def test_pandas_reads_an_export(ward: Ward, tmp_path: Path) -> None:
    """Numbers are numbers, instants instants, truth values truth values, missing is missing."""
    import pandas as pd  # noqa: PLC0415 - only in the lab

    sent(ward)
    work(ward)
    export(ward, tmp_path / "out")

    inferences = pd.read_csv(tmp_path / "out" / "inferences.csv", parse_dates=["created_in"])
    results = pd.read_csv(tmp_path / "out" / "results.csv")
    recordings = pd.read_csv(tmp_path / "out" / "recordings.csv")
    merged = inferences.merge(results, left_on="id", right_on="inference_id")
    assert merged["spo2"].tolist() == [93]
    assert str(inferences["created_in"].dt.tz) == "UTC"
    assert inferences["age"].isna().all()
    assert results["demonstration"].dtype == bool
    assert recordings["level_db"].lt(0).all()
    assert recordings["inference_id"].isin(inferences["id"]).all()


@pytest.mark.parametrize(
    "choice",
    [
        ExportChoice(),
        ExportChoice(dates=Dates.MONTH_HOUR, study="voz-2026", include_unverified=True),
        ExportChoice(
            dates=Dates.TRUE,
            include_test=True,
            identified=True,
            audio=True,
            reason="held to by the tool of data packages",
        ),
        ExportChoice(where={"age": frozenset({"17"})}),
    ],
    ids=["as it is", "2022, month and hour", "all there is", "nothing"],
)
def test_the_tool_of_data_packages_takes_an_export_for_valid(
    ward: Ward, tmp_path: Path, choice: ExportChoice
) -> None:
    """Every cell has its column's type, limits and choices; every key what it points at."""
    from frictionless import validate  # noqa: PLC0415 - only in the lab

    sent(ward)
    with_answers(
        ward,
        age=104,
        sample_type="TEST",
        covid_status="TRUE",
        hospitalized=True,
        hospitalization_start="2026-02-01",
        spo2_at="2026-03-01T08:30:00-03:00",
    )
    unverified(ward, id=TIME_UUID)
    work(ward)
    export(ward, tmp_path / "out", choice=choice)
    package = tmp_path / "out" / "datapackage.json"
    report = validate(str(package))
    assert report.valid, report.to_summary()


@pytest.mark.parametrize(
    ("table", "old", "new", "fault"),
    [
        ("inferences.csv", b",93,", b",930,", "constraint-error"),
        ("inferences.csv", b",93,", b",much,", "type-error"),
        ("inferences.csv", b"Feminino", b"feminine", "constraint-error"),
        ("inferences.csv", b"-8", b"-9", "foreign-key"),  # where each id has its version
        ("recordings.csv", b",warn,", b",good,", "constraint-error"),
        ("consents.csv", b",accepted,", b",yes,", "constraint-error"),
    ],
)
def test_what_no_record_can_be_is_found_by_the_tool(
    ward: Ward, tmp_path: Path, table: str, old: bytes, new: bytes, fault: str
) -> None:
    """Beyond a limit, none of the choices, or of no inference, digests left aside."""
    from frictionless import validate  # noqa: PLC0415 - only in the lab

    quiet = {role: ward.record(role, a_voice(level=0.02)) for role in ward.protocol.required_roles}
    ward.submit(ward.request(quiet))
    export(ward, tmp_path / "out")
    document = tmp_path / "out" / "datapackage.json"
    package = json.loads(document.read_text(encoding="utf-8"))
    for resource in package["resources"]:
        del resource["hash"], resource["bytes"]
    document.write_text(json.dumps(package), encoding="utf-8")
    assert validate(str(document)).valid
    content = (tmp_path / "out" / table).read_bytes()
    assert old in content
    (tmp_path / "out" / table).write_bytes(content.replace(old, new))
    found = {kind for (kind,) in validate(str(document)).flatten(["type"])}
    assert fault in found


def test_parquet_holds_what_the_tables_hold(ward: Ward, tmp_path: Path) -> None:
    """Typed, with missing as missing and texts as they were; the same bytes twice."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - only in the lab

    ward.records.hospitals.add_hospital(
        a_hospital(id=HospitalId("hospital-2"), name="=SUM(A1)"), audit=an_audit()
    )
    with_answers(ward, local="=SUM(A1)", spo2=93, spo2_at="2026-03-01T08:30:00-03:00")
    work(ward)
    for name in ("first", "second"):
        export(ward, tmp_path / name, choice=ExportChoice(parquet=True), parquet=parquet_writer())

    out = tmp_path / "first"
    (row,) = pq.read_table(out / "inferences.parquet").to_pylist()
    (told,) = rows(out, "inferences.csv")
    assert (row["local"], told["local"]) == ("=SUM(A1)", "'=SUM(A1)")
    assert (row["spo2"], row["age"], row["stopped_early"]) == (93, None, False)
    assert row["spo2_at"] == datetime.fromisoformat(told["spo2_at"])
    (result,) = pq.read_table(out / "results.parquet").to_pylist()
    assert result["output"] == json.loads(rows(out, "results.csv")[0]["output"])
    n_recordings = pq.read_table(out / "recordings.parquet").num_rows
    assert n_recordings == len(rows(out, "recordings.csv"))
    sums = (out / "SHA256SUMS").read_text()
    assert sums == (tmp_path / "second" / "SHA256SUMS").read_text()
    assert sums.count(".parquet\n") == 5
    assert "*.parquet" in (out / "README.txt").read_text(encoding="utf-8")


def test_the_digests_of_a_data_package_are_held_to(ward: Ward, tmp_path: Path) -> None:
    """A byte that changed is found, whatever it means."""
    from frictionless import validate  # noqa: PLC0415 - only in the lab

    sent(ward)
    work(ward)
    export(ward, tmp_path / "out")
    results = tmp_path / "out" / "results.csv"
    results.write_bytes(results.read_bytes().replace(b",done,", b",error,"))
    (fault,) = validate(str(tmp_path / "out" / "datapackage.json")).flatten(["type", "note"])[:1]
    assert fault[0] == "hash-count", fault


def read_as_told(directory: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the lines for pandas of an export's README as they stand there; return what they made."""
    monkeypatch.chdir(directory)
    found: dict[str, Any] = {}
    exec(lines_for(directory, "pandas"), found)  # noqa: S102 - what the README tells people to run
    return found


def test_the_readme_of_an_export_tells_pandas_right(
    ward: Ward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lines run as they stand there."""
    inference = sent(ward)
    work(ward)
    export(ward, tmp_path / "out")
    found = read_as_told(tmp_path / "out", monkeypatch)
    (row,) = found["both"].to_dict("records")
    assert (row["inference_id"], row["demonstration"]) == (told(inference.id), False)
    assert (row["spo2"], row["covid_status"], row["protocol"]) == (93, "FALSE", "spira-2022.1")


def to_the_microsecond(table: Any) -> Any:  # noqa: ANN401 - pandas is in the lab alone
    """Return a table whose instants have one unit: where all are missing, pandas takes another."""
    instants = table.select_dtypes(["datetime", "datetimetz"])
    return table.assign(**{name: instants[name].dt.as_unit("us") for name in instants})


@pytest.mark.parametrize("dates", [Dates.SHIFTED, Dates.TRUE])
def test_a_value_is_the_same_in_every_cut_that_is_read_as_told(
    ward: Ward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dates: Dates
) -> None:
    """Codes that look like truth values, numbers that are missing, dates that nobody gave."""
    import pandas as pd  # noqa: PLC0415 - only in the lab

    covid = {"covid_status": "TRUE", "hospitalized": True, "hospitalization_start": "2026-02-01"}
    with_answers(ward, age=61, o2_support="nasal_cannula", o2_flow_lpm=2.5, **covid)
    with_answers(ward, covid_status="FALSE", spo2_at="2026-03-01T08:30:00.250-03:00")
    with_answers(ward, covid_status="UNKNOWN")
    work(ward)
    cuts = {"all": {}, "known": {"TRUE", "FALSE"}, "some": {"FALSE"}, "unknown": {"UNKNOWN"}}
    read = {}
    for name, codes in cuts.items():
        choice = ExportChoice(
            where={"covid_status": frozenset(codes)} if codes else {},
            dates=dates,
            identified=dates is Dates.TRUE,
            reason="held to be read alike in each cut",
        )
        export(ward, tmp_path / name, choice=choice)
        read[name] = read_as_told(tmp_path / name, monkeypatch)

    for table in ("inferences", "results", "both"):
        whole = read["all"][table].set_index("id")
        for name in ("known", "some", "unknown"):
            cut = read[name][table].set_index("id")
            part = whole.loc[cut.index]
            assert len(cut) == len(cuts[name])
            pd.testing.assert_frame_equal(to_the_microsecond(cut), to_the_microsecond(part))
    found = read["known"]["inferences"]["covid_status"]
    assert sorted(found) == ["FALSE", "TRUE"]
