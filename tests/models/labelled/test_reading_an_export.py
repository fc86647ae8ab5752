"""What a box really exports is read as labelled recordings."""

from __future__ import annotations

from pathlib import Path

from appliance.core.export_choice import ExportChoice
from models.labelled.export_package import read_export
from tests.fakes import open_fake_records
from tests.models.labelled_builders import put_text
from tests.usecases.test_export import export, rows
from tests.usecases.test_export_choices import REASON, agreed
from tests.usecases.ward import Ward, a_voice


def test_an_export_of_a_box_is_read(tmp_path: Path) -> None:
    """Its sounds by their digests, its ids by the labels that speak of them."""
    ward = Ward(records=open_fake_records())
    for shared in (True, True, False):
        consent = agreed(ward, audio_sharing=shared)
        ward.submit(ward.request(ward.recordings(), consent=consent))
    choice = ExportChoice(study="voz-2026", audio=True, reason=REASON)
    export(ward, tmp_path / "export", choice=choice)
    table = rows(tmp_path / "export", "recordings.csv")
    first, second = dict.fromkeys(row["inference_id"] for row in table if row["path"])
    lines = (f"{first},positive", f"{second},negative")
    labels = put_text(tmp_path / "labels.csv", "inference_id,label", *lines)

    read = read_export(tmp_path / "export", labels)

    assert {case.id: case.positive for case in read.cases} == {first: True, second: False}
    for case in read.cases:
        assert set(case.recordings) == {"sustentada", "parlenda"}
        assert {one.path.read_bytes() for one in case.recordings.values()} == {a_voice()}
    assert read.n_left_out == 1
