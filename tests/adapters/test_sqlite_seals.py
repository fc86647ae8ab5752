"""A row that is not as it was written is neither read nor sealed anew."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import sqlite_utils

from appliance.adapters.sqlite_records import SqliteRecords, open_records
from appliance.adapters.sqlite_records.migrations import (
    APPLICATION_ID,
    MIGRATIONS,
    SEALING,
    STEPS,
)
from appliance.adapters.sqlite_records.seals import SEAL, SEALED, seal_of
from appliance.core.audit import AuditAction
from appliance.core.errors import RecordDamaged
from appliance.core.ids import (
    InferenceId,
    ModelVersionId,
    RecordingId,
    ResultId,
    TokenId,
    UserId,
)
from appliance.core.result import Result
from tests.builders import (
    a_consent,
    a_model_version,
    a_recording,
    a_result,
    a_token,
    a_trusted_key,
    an_answer,
    an_attachment,
    an_audit,
    an_inference,
    digest_of,
    later,
)
from tests.contracts.records import furnish

INFERENCE, RECORDING, RESULT = (
    InferenceId("inference-1"),
    RecordingId("recording-1"),
    ResultId("result-1"),
)


def claim(records: SqliteRecords, result_id: ResultId | None) -> Result | None:
    """Claim for a minute."""
    return records.jobs.claim(result_id, owner="boot-1", now=later(1), lease_until=later(60))


@pytest.fixture
def records(tmp_path: Path) -> Iterator[SqliteRecords]:
    """Records with one inference that waits."""
    opened = open_records(tmp_path / "records.db")
    furnish(opened)
    opened.keys.add_key(a_trusted_key(), audit=an_audit())
    opened.recordings.add_recording(a_recording(), audit=an_audit())
    inference = an_inference(attachments=(an_attachment(),))
    opened.inferences.add_inference(inference, [a_result()], audit=an_audit())
    yield opened
    opened.close()


def damage(tmp_path: Path, *statements: str) -> None:
    """Change rows as a disk would: no trigger and no seal knows of it."""
    with closing(sqlite3.connect(tmp_path / "records.db")) as connection:
        names = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = names.fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        for _, sql in triggers:
            connection.execute(sql)
        connection.commit()


Read = Callable[[SqliteRecords], object]
READS: dict[str, Read] = {
    'UPDATE inferences SET form = \'{"rgh": "14259401F"}\'': lambda r: r.inferences.inference(
        INFERENCE
    ),
    "UPDATE inferences SET stopped_early = 1": lambda r: list(r.inferences.each()),
    "UPDATE results SET probability = 0.9": lambda r: r.inferences.results(INFERENCE),
    "UPDATE results SET suspect = 1": lambda r: r.inferences.results(INFERENCE),
    "UPDATE model_versions SET t_low = 0.1": lambda r: r.inferences.results(INFERENCE),
    "UPDATE models SET name = 'SpirbConv'": lambda r: r.models.versions(),
    "UPDATE consents SET decision = 'unverified'": lambda r: r.inferences.consents(INFERENCE),
    "UPDATE consents SET purposes = '{}'": lambda r: r.inferences.inference(INFERENCE),
    "UPDATE attachments SET chosen = 0": lambda r: r.inferences.inference(INFERENCE),
    "UPDATE not_done SET reason = 'cannot_reaD'": lambda r: r.inferences.inference(INFERENCE),
    "UPDATE recordings SET n_bytes = 432045": lambda r: r.recordings.recording(RECORDING),
    "UPDATE recordings SET role = 'sustentadb'": lambda r: list(r.recordings.content_hashes()),
    "UPDATE users SET active = 0": lambda r: r.accounts.user(UserId("user-1")),
    "UPDATE users SET username = CAST(x'ff' AS TEXT)": lambda r: r.accounts.users(),
    "UPDATE users SET n_hospitals = 1": lambda r: r.accounts.users(),
    "UPDATE model_versions SET state = 'installed'": lambda r: r.models.models(),
    "UPDATE trusted_keys SET revoked = 1": lambda r: r.keys.keys(),
    "UPDATE hospitals SET rgh_rule = NULL": lambda r: r.hospitals.hospitals(),
    "UPDATE protocols SET document = x'7b7c'": lambda r: r.protocols.active_protocol(),
    "DELETE FROM attachments": lambda r: r.inferences.inference(INFERENCE),
    "DELETE FROM not_done": lambda r: r.inferences.inference(INFERENCE),
    "DELETE FROM consents": lambda r: r.inferences.consents(INFERENCE),
    "DELETE FROM results": lambda r: r.inferences.results(INFERENCE),
}


@pytest.mark.parametrize("statement", READS)
def test_damage_is_refused_and_listed(
    records: SqliteRecords, tmp_path: Path, statement: str
) -> None:
    """Whatever column it hits, and where a row is lost, and nothing else sees it."""
    READS[statement](records)
    assert list(records.damaged_rows()) == []
    damage(tmp_path, "PRAGMA foreign_keys=OFF", statement)
    with pytest.raises(RecordDamaged):
        READS[statement](records)
    assert list(records.damaged_rows()) != []


def test_a_damaged_row_is_not_sealed_by_a_change(records: SqliteRecords, tmp_path: Path) -> None:
    """What is written over it is refused, and it stays as it is."""
    damage(tmp_path, "UPDATE inferences SET form = '{}'")
    with pytest.raises(RecordDamaged):
        records.inferences.mark_shown(INFERENCE, at=later(5))
    with pytest.raises(RecordDamaged):
        records.inferences.add_consent(INFERENCE, a_consent(id="consent-2"), audit=an_audit())
    assert [table for table, _ in records.damaged_rows()] == ["inferences"]


def test_a_damaged_result_is_never_given_and_holds_up_no_other(
    records: SqliteRecords, tmp_path: Path
) -> None:
    """Neither at a claim nor when a start puts right what a crash left."""
    other = an_inference(id=InferenceId("inference-2"))
    result = a_result(id=ResultId("result-2"), inference_id=other.id)
    records.inferences.add_inference(other, [result], audit=an_audit())
    damage(tmp_path, "UPDATE results SET attempts = 4 WHERE id = 'result-1'")
    assert claim(records, RESULT) is None
    claimed = claim(records, None)
    assert claimed is not None
    assert claimed.id == result.id
    records.jobs.reconcile(owner="boot-2", now=later(90), starting=True)
    assert [table for table, _ in records.damaged_rows()] == ["results"]


def test_a_damaged_inference_keeps_its_result_from_nobody(
    records: SqliteRecords, tmp_path: Path
) -> None:
    """The answer is stored; the inference stays damaged and is not settled."""
    claim(records, RESULT)
    damage(tmp_path, "UPDATE inferences SET form = '{}'")
    audit = an_audit(AuditAction.RESULT_STORED)
    assert records.jobs.complete(RESULT, an_answer(), owner="boot-1", at=later(2), audit=audit)
    assert [table for table, _ in records.damaged_rows()] == ["inferences"]


def test_a_damaged_version_makes_an_error_of_its_results(
    records: SqliteRecords, tmp_path: Path
) -> None:
    """Others do not wait behind them."""
    damage(tmp_path, "UPDATE model_versions SET t_high = 0.7")
    assert claim(records, None) is None
    assert records.jobs.counts()["error"] == 1


NO_TEXT = "CAST(x'ff' AS TEXT)"
"""What a flipped top bit makes of a text."""


@pytest.mark.parametrize("column", ["owner", "id", "output", "lease_until"])
@pytest.mark.parametrize("starting", [True, False])
def test_a_damaged_running_result_holds_up_no_other(
    records: SqliteRecords, tmp_path: Path, column: str, *, starting: bool
) -> None:
    """The box starts, and the others are given; it stays for `verify` to name."""
    claim(records, RESULT)
    add_another(records)
    damage(tmp_path, f"UPDATE results SET {column} = {NO_TEXT} WHERE seq = 1")  # noqa: S608
    now = later(100)
    waiting = records.jobs.reconcile(owner="boot-2", now=now, starting=starting)
    assert waiting == (ResultId("result-2"),)
    assert records.jobs.release(owner="boot-1") == 0
    claimed = claim(records, None)
    assert claimed is not None
    assert claimed.id == "result-2"
    assert [table for table, _ in records.damaged_rows()] == ["results"]


def test_a_suspect_does_not_wait_for_a_damaged_one(records: SqliteRecords, tmp_path: Path) -> None:
    """Two ran when the box fell, and one of them rotted."""
    add_another(records)
    claim(records, RESULT)
    claim(records, ResultId("result-2"))
    damage(tmp_path, "UPDATE results SET suspect = 1 WHERE seq = 1")
    records.jobs.reconcile(owner="boot-2", now=later(100), starting=True)
    claimed = claim(records, None)
    assert claimed is not None
    assert claimed.id == "result-2"


def add_another(records: SqliteRecords) -> None:
    """Store a second inference whose result waits."""
    other = an_inference(id=InferenceId("inference-2"))
    result = a_result(id=ResultId("result-2"), inference_id=other.id)
    records.inferences.add_inference(other, [result], audit=an_audit())


def test_what_nobody_reads_holds_up_no_work(records: SqliteRecords, tmp_path: Path) -> None:
    """A version that only lies there, and a name a hospital once had."""
    version = a_model_version(
        id=ModelVersionId("version-0"), version="0.9.0", sequence=2, digest=digest_of("other")
    )
    records.models.add_version(version, audit=an_audit())
    (hospital,) = records.hospitals.hospitals()
    records.hospitals.change_hospital(replace(hospital, name="Outro"), audit=an_audit())
    damage(
        tmp_path,
        "UPDATE model_versions SET manifest = x'00' WHERE id = 'version-0'",
        f"UPDATE hospital_former_names SET name = {NO_TEXT}",  # noqa: S608
    )
    (model,) = records.models.models()
    assert model.active is not None
    assert records.hospitals.hospitals()[0].name == "Outro"
    assert len(list(records.damaged_rows())) == 2
    with pytest.raises(RecordDamaged):
        records.models.versions()


def test_a_damaged_token_is_nobodys_and_stops_no_administrator(
    records: SqliteRecords, tmp_path: Path
) -> None:
    """Whoever held it signs in again; the account can be closed all the same."""
    records.accounts.add_token(a_token(), password_hash="hash", audit=an_audit())
    damage(tmp_path, f"UPDATE tokens SET family = {NO_TEXT}")  # noqa: S608
    assert records.accounts.token_user(TokenId("token-1"), now=later(1)) is None
    changed = records.accounts.change_user(UserId("user-1"), active=False, audit=an_audit())
    assert not changed.active


def test_every_table_is_sealed(records: SqliteRecords) -> None:
    """A new table is sealed, too; the audit is chained instead."""
    with records.database.read() as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = {row["name"] for row in rows}
    ours = {name for name in tables if not name.startswith("_")}
    assert ours - set(SEALED) == {"audit", "audit_head"}


def test_a_column_without_a_value_changes_no_seal() -> None:
    """So that a later step may add one."""
    assert seal_of("users", ("a", 1, None)) == seal_of("users", ("a", 1))
    assert seal_of("users", ("a", None, 1)) != seal_of("users", ("a", 1))
    assert seal_of("users", ("1",)) != seal_of("users", (1,)) != seal_of("users", (1.0,))


def test_records_of_before_are_sealed_once(tmp_path: Path) -> None:
    """A database of the first steps is brought up to date, rows and counts, all or nothing."""
    path = tmp_path / "records.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.execute(f"PRAGMA application_id={APPLICATION_ID}")
        MIGRATIONS.apply(sqlite_utils.Database(old), stop_before="0007_seals")
        old.execute("INSERT INTO users VALUES ('u', 'ana', 'ana', 'a', 'a', 'nurse', 1, 'h', '')")
        old.execute("INSERT INTO hospitals VALUES ('h', 'H', 'h', NULL, '')")
        old.execute("INSERT INTO protocols VALUES (1, 'p', 's', 't', x'7b7d', 1, '')")
    for step in SEALING:
        killed = sqlite3.connect(path, isolation_level=None)
        killed.execute("BEGIN")
        for statement in STEPS[step]:
            killed.execute(statement)
        killed.close()  # before its commit
    opened = open_records(path)
    assert list(opened.damaged_rows()) == []
    assert opened.audit.noted_head() == opened.audit.head()
    with opened.database.read() as connection:
        for table in ("users", "hospitals", "protocols"):
            row = connection.execute(f"SELECT * FROM {table}").fetchone()  # noqa: S608
            assert len(row[SEAL]) == 64
    opened.close()
