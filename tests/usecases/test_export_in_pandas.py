"""What researchers read an export with reads it right."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.usecases.test_export import export, sent, work
from tests.usecases.ward import Ward

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


def test_the_tool_of_data_packages_takes_an_export_for_valid(ward: Ward, tmp_path: Path) -> None:
    """Every cell has its column's type, every key what it points at, every file its digest."""
    from frictionless import validate  # noqa: PLC0415 - only in the lab

    sent(ward)
    work(ward)
    export(ward, tmp_path / "out")
    package = tmp_path / "out" / "datapackage.json"
    report = validate(str(package))
    assert report.valid, report.to_summary()
    results = tmp_path / "out" / "results.csv"
    results.write_bytes(results.read_bytes().replace(b",done,", b",gone,"))
    assert not validate(str(package)).valid  # the digest is held to
