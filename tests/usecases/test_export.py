"""An export is whole or absent, the same for the same records, and names no patient."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.core.audit import AuditAction
from appliance.core.errors import TargetNotEmpty, TargetUnwritable
from appliance.core.ids import InferenceId, ResultId
from appliance.core.inference import Consent, ConsentDecision, Inference
from appliance.usecases.export import ExportCounts, ExportRecords, export_tables
from appliance.usecases.predict import predict_next
from tests.builders import NOON, a_consent, an_audit
from tests.usecases.ward import Ward

KEY = bytes(range(32))
RGH = "14259401E"


def export(
    ward: Ward,
    target: Path,
    *,
    key: bytes = KEY,
    progress: Callable[[int], None] = lambda _number: None,
) -> ExportCounts:
    """Export a ward."""
    return export_tables(
        target,
        pseudonym_key=key,
        actor="console",
        progress=progress,
        clock=lambda: NOON,
        new_id=lambda: "export-1",
        records=ExportRecords(
            protocols=ward.records.protocols,
            inferences=ward.records.inferences,
            recordings=ward.records.recordings,
            audit=ward.records.audit,
        ),
    )


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


def withdraw(ward: Ward, inference_id: InferenceId) -> None:
    """Take a consent back."""
    consent: Consent = a_consent(decision=ConsentDecision.WITHDRAWN)
    entry = an_audit(AuditAction.CONSENT_WITHDRAWN, inference_id)
    ward.records.inferences.add_consent(inference_id, consent, audit=entry)


def test_each_inference_is_a_row_with_its_answers(ward: Ward, tmp_path: Path) -> None:
    """Answers, results and recordings stand in their tables and find each other by id."""
    inference = sent(ward)
    work(ward)

    counts = export(ward, tmp_path / "out")

    (row,) = rows(tmp_path / "out", "inferences.csv")
    assert (row["id"], row["spo2"], row["consent"]) == (inference.id, "93", "accepted")
    assert {r["inference_id"] for r in rows(tmp_path / "out", "results.csv")} == {inference.id}
    recordings = rows(tmp_path / "out", "recordings.csv")
    assert {r["id"] for r in recordings} == {a.recording_id for a in inference.attachments}
    assert counts == ExportCounts(n_inferences=1, n_results=1, n_recordings=len(recordings))


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


def test_who_took_consent_back_is_in_no_file(ward: Ward, tmp_path: Path) -> None:
    """A withdrawn inference leaves no row anywhere, and the count says so."""
    kept, gone = sent(ward), sent(ward)
    withdraw(ward, gone.id)

    counts = export(ward, tmp_path / "out")

    assert (counts.n_inferences, counts.n_without_consent) == (1, 1)
    whole = b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir())
    assert gone.id.encode() not in whole
    assert kept.id.encode() in whole


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


def test_text_that_a_spreadsheet_would_compute_is_guarded(ward: Ward, tmp_path: Path) -> None:
    """A version of an app may say what it likes: it stays text."""
    ward.submit(ward.request(ward.recordings(), app_version='=HYPERLINK("http://example.org")'))

    export(ward, tmp_path / "out")

    cells = {row["app_version"] for row in rows(tmp_path / "out", "inferences.csv")}
    assert '\'=HYPERLINK("http://example.org")' in cells
