"""What every filler of AuditRecords promises."""

from __future__ import annotations

from datetime import timedelta, timezone

from appliance.core.audit import GENESIS, AuditAction, first_break
from tests.builders import NOON, a_hospital, an_audit
from tests.contracts.records import Records


def test_an_empty_chain_begins_at_genesis(records: Records) -> None:
    """Nothing has happened yet."""
    assert records.audit.head() == (0, GENESIS)
    assert list(records.audit.rows()) == []


def test_rows_are_numbered_and_chained(records: Records) -> None:
    """Rows of their own and rows of writes form one chain."""
    first = records.audit.append(an_audit(AuditAction.EXPORTED, "export-1", n_rows=7))
    records.hospitals.add_hospital(a_hospital(), audit=an_audit(AuditAction.HOSPITAL_ADDED))
    last = records.audit.append(an_audit(AuditAction.RECORDING_OPENED))
    rows = list(records.audit.rows())
    assert [row.seq for row in rows] == [1, 2, 3]
    assert (rows[0], rows[2]) == (first, last)
    assert first_break(rows) is None
    assert records.audit.head() == (3, last.hash)
    assert list(records.audit.rows(after=2)) == [last]


def test_every_kind_of_detail_survives(records: Records) -> None:
    """Texts, numbers, truth and absence come back as they were, and so does the hash."""
    entry = an_audit(text="ção", n=3, share=0.1, whole=1.0, yes=True, nothing=None)
    row = records.audit.append(entry)
    assert list(records.audit.rows()) == [row]
    assert row.entry == entry
    details = next(records.audit.rows()).entry.details
    assert {name: type(value) for name, value in details.items()} == {
        name: type(value) for name, value in entry.details.items()
    }


def test_an_instant_in_another_zone_does_not_break_the_chain(records: Records) -> None:
    """Rows are hashed in UTC, whatever clock the caller has."""
    sao_paulo = timezone(timedelta(hours=-3))
    records.audit.append(an_audit(at=NOON.astimezone(sao_paulo)))
    rows = list(records.audit.rows())
    assert first_break(rows) is None
    assert rows[0].entry.at == NOON
