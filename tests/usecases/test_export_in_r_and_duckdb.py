"""The lines for R and DuckDB in an export's README run as they stand there."""

from __future__ import annotations

import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from tests.torture.trial import needs
from tests.usecases.test_export import export, lines_for, rows, work
from tests.usecases.test_export_choices import with_answers
from tests.usecases.ward import Ward

pytestmark = pytest.mark.lab

READ_RIGHT = """
stopifnot(
  identical(both$covid_status, "TRUE"),
  identical(both$protocol, "spira-2022.1"),
  identical(both$spo2, 93L),
  identical(both$hospitalized, FALSE),
  identical(both$demonstration, FALSE),
  is.na(both$age),
  is.numeric(both$probability),
  identical(substr(both$computed_at, 5, 5), "-")
)
"""


def test_r_reads_an_export_as_its_readme_tells(ward: Ward, tmp_path: Path) -> None:
    """Codes stay texts, numbers are numbers, truth values truth values, missing is missing."""
    needs("Rscript", "r-base-core")
    with_answers(ward, covid_status="TRUE", spo2=93, hospitalized=False)
    work(ward)
    export(ward, tmp_path / "out")
    script = lines_for(tmp_path / "out", "R")
    (tmp_path / "read.R").write_text(script + READ_RIGHT, encoding="utf-8")
    command = ["Rscript", "--vanilla", str(tmp_path / "read.R")]
    ran = subprocess.run(command, cwd=tmp_path / "out", capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_duckdb_reads_an_export_as_its_readme_tells(
    ward: Ward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patients, instants and probabilities, joined."""
    import duckdb  # noqa: PLC0415 - only in the lab

    with_answers(ward, spo2=93)
    work(ward)
    export(ward, tmp_path / "out")
    query = lines_for(tmp_path / "out", "DuckDB")
    monkeypatch.chdir(tmp_path / "out")
    with duckdb.connect() as connection:
        found = connection.sql(query)
        assert found.columns == ["patient_id", "at", "probability"]
        ((patient_id, at, probability),) = found.fetchall()
    (inference,), (result,) = (
        rows(tmp_path / "out", "inferences.csv"),
        rows(tmp_path / "out", "results.csv"),
    )
    assert patient_id == inference["patient_id"]
    assert at == datetime.fromisoformat(inference["created_in"])
    assert probability == float(result["probability"])
