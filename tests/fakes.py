"""Record ports in memory, held to the same contracts as SQLite by `tests/contracts`."""

from __future__ import annotations

from dataclasses import dataclass

from tests.fakes_accounts import FakeAccounts, FakeHospitals
from tests.fakes_audit import FakeAudit
from tests.fakes_documents import FakeEnvelopes, FakeKeys, FakeProtocols, FakeRecordings
from tests.fakes_inferences import FakeInferences
from tests.fakes_jobs import FakeJobs
from tests.fakes_tablets import FakeTablets
from tests.fakes_versions import FakeModels


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeRecords:
    """Every record port, filled from one memory; `audit.fault` breaks its disk."""

    accounts: FakeAccounts
    refreshes: FakeAccounts
    envelopes: FakeEnvelopes
    tablets: FakeTablets
    hospitals: FakeHospitals
    protocols: FakeProtocols
    models: FakeModels
    keys: FakeKeys
    recordings: FakeRecordings
    inferences: FakeInferences
    jobs: FakeJobs
    audit: FakeAudit


def open_fake_records() -> FakeRecords:
    """Return empty records in memory."""
    audit = FakeAudit()
    hospitals = FakeHospitals(audit)
    recordings = FakeRecordings(audit)
    jobs = FakeJobs(audit)
    accounts = FakeAccounts(audit, hospitals)
    return FakeRecords(
        accounts=accounts,
        refreshes=accounts,
        envelopes=FakeEnvelopes(audit),
        tablets=FakeTablets(audit),
        hospitals=hospitals,
        protocols=FakeProtocols(audit),
        models=FakeModels(audit, jobs),
        keys=FakeKeys(audit),
        recordings=recordings,
        inferences=FakeInferences(audit, recordings, jobs),
        jobs=jobs,
        audit=audit,
    )
