"""Everything the box knows but the sound itself, in one SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.adapters.sqlite_records.accounts import SqliteAccounts
from appliance.adapters.sqlite_records.audit import SqliteAudit
from appliance.adapters.sqlite_records.database import Database
from appliance.adapters.sqlite_records.envelopes import SqliteEnvelopes
from appliance.adapters.sqlite_records.hospitals import SqliteHospitals
from appliance.adapters.sqlite_records.inferences import SqliteInferences
from appliance.adapters.sqlite_records.jobs import SqliteJobs
from appliance.adapters.sqlite_records.keys import SqliteKeys
from appliance.adapters.sqlite_records.models import SqliteModels
from appliance.adapters.sqlite_records.protocols import SqliteProtocols
from appliance.adapters.sqlite_records.recordings import SqliteRecordings
from appliance.adapters.sqlite_records.refreshes import SqliteRefreshes
from appliance.adapters.sqlite_records.tablets import SqliteTablets
from appliance.core.errors import StorageFailed
from appliance.ports import DiskSpace

__all__ = ["SqliteRecords", "open_records"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteRecords:
    """Every record port, filled from one file."""

    database: Database
    accounts: SqliteAccounts
    refreshes: SqliteRefreshes
    envelopes: SqliteEnvelopes
    tablets: SqliteTablets
    hospitals: SqliteHospitals
    protocols: SqliteProtocols
    models: SqliteModels
    keys: SqliteKeys
    recordings: SqliteRecordings
    inferences: SqliteInferences
    jobs: SqliteJobs
    audit: SqliteAudit

    @property
    def sqlite_version(self) -> str:
        """The version of the SQLite library in use."""
        return sqlite3.sqlite_version

    def integrity_problems(self) -> tuple[str, ...]:
        """Return what is wrong with the file, its foreign keys and schema; reads all of it."""
        return self.database.integrity_problems()

    @property
    def log_cut_short(self) -> bool:
        """Whether the end of the log was dropped when the file was opened."""
        return self.database.log_cut_short

    def damaged_rows(self) -> Iterator[tuple[str, str]]:
        """Yield table and id of every row that is not as it was written; reads all of them."""
        return self.database.damaged_rows()

    def close(self) -> None:
        """Write the WAL back and close the file; nothing may be under way."""
        self.database.close()


def open_records(
    path: Path,
    *,
    on_failure: Callable[[StorageFailed], None] | None = None,
    space: DiskSpace | None = None,
) -> SqliteRecords:
    """Open `records.db`, making it if absent, and bring its schema up to date.

    Args:
        path: of the file; its directory exists. `records.lock` lies beside it.
        on_failure: called once when the disk fails to store: the process should leave. Must
            neither block nor write.
        space: is asked before each write; None where there is nothing to keep free.

    Raises:
        DatabaseUnusable: damaged, another program's, or written by a newer release.
        DiskFull, DatabaseBusy, StorageFailed.
    """
    database = Database(path, on_failure=on_failure, space=space)
    return SqliteRecords(
        database=database,
        accounts=SqliteAccounts(database),
        refreshes=SqliteRefreshes(database),
        envelopes=SqliteEnvelopes(database),
        tablets=SqliteTablets(database),
        hospitals=SqliteHospitals(database),
        protocols=SqliteProtocols(database),
        models=SqliteModels(database),
        keys=SqliteKeys(database),
        recordings=SqliteRecordings(database),
        inferences=SqliteInferences(database),
        jobs=SqliteJobs(database),
        audit=SqliteAudit(database),
    )
