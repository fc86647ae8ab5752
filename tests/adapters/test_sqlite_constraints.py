"""What the file itself refuses, whoever writes into it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.adapters.sqlite_records import SqliteRecords, open_records
from appliance.adapters.sqlite_records.database import Unaudited
from appliance.core.errors import DatabaseUnusable
from appliance.core.ids import ConsentId, InferenceId, ModelVersionId, RecordingId
from appliance.core.inference import ConsentDecision
from appliance.core.throttle import Budget, throttle_keys
from tests.builders import (
    NOON,
    a_consent,
    a_hospital,
    a_model_version,
    a_recording,
    a_result,
    a_trusted_key,
    an_answer,
    an_attachment,
    an_audit,
    an_inference,
    later,
)
from tests.contracts.records import furnish


@pytest.fixture
def records(tmp_path: Path) -> Iterator[SqliteRecords]:
    """Records that hold one of everything."""
    opened = open_records(tmp_path / "records.db")
    furnish(opened)
    opened.keys.add_key(a_trusted_key(), audit=an_audit())
    opened.keys.revoke_key(a_trusted_key().fingerprint, audit=an_audit())
    opened.recordings.add_recording(a_recording(), audit=an_audit())
    inference = an_inference(attachments=(an_attachment(),))
    opened.inferences.add_inference(inference, [a_result()], audit=an_audit())
    opened.inferences.mark_shown(inference.id, at=NOON)
    refusal = an_inference(
        id=InferenceId("refusal"),
        consent=a_consent(id=ConsentId("consent of a refusal"), decision=ConsentDecision.REFUSED),
    )
    opened.inferences.add_refusal(
        refusal, [RecordingId("refused")], audit=lambda _erased: [an_audit()]
    )
    renamed = a_hospital(name="Renamed")
    opened.hospitals.change_hospital(renamed, audit=an_audit())
    opened.jobs.claim(None, owner="me", now=NOON, lease_until=later(60))
    opened.jobs.complete(a_result().id, an_answer(), owner="me", at=NOON, audit=an_audit())
    yield opened
    assert opened.integrity_problems() == ()
    opened.close()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit SET actor = 'nobody'",
        "DELETE FROM audit",
        "REPLACE INTO audit SELECT * FROM audit",
        "UPDATE consents SET decision = 'accepted'",
        "DELETE FROM consents",
        "UPDATE recordings SET sha256 = ''",
        "DELETE FROM recordings",
        "UPDATE inferences SET form = '{}'",
        "UPDATE inferences SET captured_at = ''",
        "UPDATE inferences SET first_shown_at = NULL",
        "UPDATE inferences SET status = 'unheard of'",
        "DELETE FROM inferences",
        "UPDATE attachments SET verdict = 'ok'",
        "UPDATE results SET diagnosis = 'positive'",
        "DELETE FROM results",
        "UPDATE refused_recordings SET sha256 = NULL",
        "DELETE FROM refused_recordings",
        "UPDATE hospital_former_names SET name = ''",
        "DELETE FROM hospital_former_names",
        "UPDATE protocols SET document = x''",
        "DELETE FROM protocols",
        "UPDATE model_versions SET digest = ''",
        "DELETE FROM model_versions",
        "UPDATE trusted_keys SET revoked = 0",
        "DELETE FROM trusted_keys",
        "UPDATE hospitals SET name = x'00'",
        "DELETE FROM hospitals",
        "UPDATE users SET role = 'superuser'",
    ],
)
def test_what_is_written_stays_written(records: SqliteRecords, sql: str) -> None:
    """Triggers, checks, foreign keys and strict types hold against our own connection."""
    with (
        pytest.raises(sqlite3.IntegrityError),
        records.database.write(Unaudited.CLAIM) as connection,
    ):
        connection.execute(sql)


@pytest.mark.parametrize("decision", ["refused", "withdrawn"])
def test_no_row_attaches_without_consent(records: SqliteRecords, decision: str) -> None:
    """Neither honestly nor by lying about the decision."""
    refused = an_inference(
        id="refused", consent=a_consent(id="no", decision=ConsentDecision(decision))
    )
    records.inferences.add_inference(refused, [], audit=an_audit())
    records.recordings.add_recording(a_recording(id="second"), audit=an_audit())
    for claimed in (decision, "accepted", "unverified"):
        with (
            pytest.raises(sqlite3.IntegrityError),
            records.database.write(Unaudited.CLAIM) as connection,
        ):
            connection.execute(
                "INSERT INTO attachments (inference_id, position, recording_id, consent_id,"
                " consent_decision, role, take, chosen, gaps, capture, verdict, verdict_reasons)"
                " VALUES ('refused', 0, 'second', 'no', ?, 'frase', 1, 1, 0, '{}', 'ok', '[]')",
                (claimed,),
            )


@pytest.mark.parametrize("with_version", [True, False])
def test_a_version_has_one_result_an_inference(
    records: SqliteRecords, *, with_version: bool
) -> None:
    """A second row for the same version, or the same absent one, cannot be written."""
    version = "version-1" if with_version else None
    rows = [("second", version), ("third", version)]
    with (
        pytest.raises(sqlite3.IntegrityError),
        records.database.write(Unaudited.CLAIM) as connection,
    ):
        connection.executemany(
            "INSERT INTO results (id, inference_id, model_id, model_version_id, shadow, state,"
            " attempts, output, diagnosis) VALUES (?, 'inference-1', 'model-1', ?, 0, 'done', 0,"
            " '[]', 'inconclusive')",
            rows,
        )


def test_one_of_each_is_active(records: SqliteRecords) -> None:
    """Two active versions or two default models are impossible, not only unusual."""
    second = a_model_version(id=ModelVersionId("version-2"), version="2", sequence=2)
    records.models.add_version(second, audit=an_audit())
    with (
        pytest.raises(sqlite3.IntegrityError),
        records.database.write(Unaudited.CLAIM) as connection,
    ):
        connection.execute("UPDATE model_versions SET state = 'active'")


def test_readers_cannot_write(records: SqliteRecords) -> None:
    """Every write goes through `write`."""
    with pytest.raises(DatabaseUnusable), records.database.read() as connection:
        connection.execute("DELETE FROM tokens")


def test_counts_of_names_nobody_has_are_forgotten_after_a_day(records: SqliteRecords) -> None:
    """Guessing cannot fill the disk; a pair that signed in stays known."""
    known = throttle_keys("nurse", "ward")
    records.accounts.admit(known, at=NOON)
    records.accounts.count_success(known, at=NOON)
    for number in range(20):
        records.accounts.admit(throttle_keys(f"nobody {number}", "192.0.2.7"), at=NOON)
    fresh = throttle_keys("ana", "ward")
    records.accounts.admit(fresh, at=later(86_401))
    with records.database.read() as connection:
        kept = {row["key"] for row in connection.execute("SELECT key FROM sign_in_failures")}
    assert kept == {known[Budget.PAIR], *fresh.values()}
