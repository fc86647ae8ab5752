"""Take the data out: tables for analysis, that name no patient unless somebody says why.

All or nothing: a directory without SHA256SUMS is none of ours, or not yet whole.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from appliance import __version__
from appliance.core.audit import AuditAction, audited
from appliance.core.codebook import HEADER, codebook_rows
from appliance.core.csv_text import Cell, csv_row
from appliance.core.data_package import HASH_PREFIX, WrittenFile, data_package
from appliance.core.data_package import NAME as PACKAGE
from appliance.core.export_choice import ExportChoice
from appliance.core.export_dates import Dates, told_end
from appliance.core.export_found import ExportCounts
from appliance.core.export_names import Names
from appliance.core.export_readme import ExportFacts, readme
from appliance.core.form_columns import column_name, kept_back
from appliance.core.protocol import Protocol
from appliance.core.pseudonym import study_key
from appliance.core.small_groups import K
from appliance.ports import (
    AudioStore,
    AuditRecords,
    Clock,
    InferenceRecords,
    NewId,
    ProtocolRecords,
    RecordingRecords,
)
from appliance.usecases.consents import withdrawals
from appliance.usecases.export_rows import ExportRows
from appliance.usecases.protocols import parsed
from appliance.usecases.whole_directory import (
    file_faults,
    file_sha256,
    sha256_sums,
    whole_directory,
)

SUMS: Final = "SHA256SUMS"
PROVENANCE: Final = "provenance.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRecords:
    """The records an export reads, the audit it is written in, and what else it writes with.

    Attributes:
        parquet: writes a CSV as Parquet, given the fields of the data package; None: nobody asked.
    """

    protocols: ProtocolRecords
    inferences: InferenceRecords
    recordings: RecordingRecords
    audio: AudioStore
    audit: AuditRecords
    parquet: Callable[[Path, Path, Sequence[Mapping[str, Any]]], None] | None = None


def export_tables(
    target: Path,
    *,
    pseudonym_key: bytes,
    choice: ExportChoice,
    actor: str,
    progress: Callable[[int], None],
    clock: Clock,
    new_id: NewId,
    records: ExportRecords,
) -> ExportCounts:
    """Write the inferences asked for into a new directory; same rows and choice, same bytes.

    Args:
        target: does not exist, or is empty.
        pseudonym_key: 32 bytes of this box.
        choice: what was asked for.
        actor: who takes the data out.
        progress: told the number of inferences looked at, from time to time.

    Returns:
        What was written, and what was left out.

    Raises:
        InvalidRequest: the name of the study is none, or a condition is on no column.
        TargetNotEmpty: nothing was touched.
        TargetUnwritable, DiskFull, RecordDamaged, AudioMissing, AudioDamaged: nothing is left
            behind.
    """
    key = pseudonym_key if choice.study is None else study_key(pseudonym_key, choice.study)
    names = Names(key=key, identified=choice.identified, dates=choice.dates)
    protocols = tuple(parsed(installed) for installed in records.protocols.protocols())
    told = choice.told(_secret(protocols))
    with whole_directory(target, marker=SUMS) as building:
        rows = _written_rows(building, protocols, choice, names, records, progress=progress)
        with file_faults():
            tables = _describe(building, protocols, rows, choice, told)["resources"]
            for one in tables:
                if records.parquet is not None:
                    table = building / one["path"]
                    records.parquet(table, table.with_suffix(".parquet"), one["schema"]["fields"])
            known = {one["path"]: one["hash"].removeprefix(HASH_PREFIX) for one in tables}
            (building / SUMS).write_text(sha256_sums(building, known=known), encoding="ascii")
        counts = asdict(rows.counts)
        entry = audited(AuditAction.EXPORTED, new_id(), at=clock(), actor=actor, **told, **counts)
        records.audit.append(entry)
    return rows.counts


def _secret(protocols: Sequence[Protocol]) -> frozenset[str]:
    """Return the columns whose values stand neither in the audit nor in the provenance."""
    return frozenset(map(column_name, kept_back(protocols, identified=False)))


def _written_rows(
    building: Path,
    protocols: Sequence[Protocol],
    choice: ExportChoice,
    names: Names,
    records: ExportRecords,
    *,
    progress: Callable[[int], None],
) -> ExportRows:
    """Write the tables; return what was counted on the way."""
    with file_faults():
        aside = tempfile.TemporaryDirectory(dir=building, prefix=".sorting-")
    with aside:
        rows = ExportRows(
            building,
            Path(aside.name),
            protocols,
            choice,
            names,
            records.audio,
            withdrawals(records.inferences),
        )
        for number, inference in enumerate(records.inferences.each(), start=1):
            rows.add(inference, records.inferences, records.recordings)
            progress(number)
        rows.finish()
    return rows


def _describe(
    building: Path,
    protocols: Sequence[Protocol],
    rows: ExportRows,
    choice: ExportChoice,
    told: Mapping[str, str | bool | None],
) -> dict[str, Any]:
    """Write what people and programs read of the tables, and where all of it comes from.

    Returns:
        The data package.
    """
    counts, identified = rows.counts, choice.identified
    facts = ExportFacts(
        choice=choice,
        n_inferences=counts.n_inferences,
        n_small_groups=counts.n_small_groups,
        n_in_small_groups=counts.n_in_small_groups,
    )
    (building / "README.txt").write_text(readme(facts), encoding="utf-8", newline="\r\n")
    _write(building / "codebook.csv", (HEADER, *codebook_rows(protocols, identified=identified)))
    written = {
        path.name: WrittenFile(n_bytes=path.stat().st_size, sha256=file_sha256(path))
        for path in building.glob("*.csv")
    }
    package = data_package(protocols, written, identified=identified)
    for name, document in (
        (PACKAGE, package),
        (PROVENANCE, _provenance(protocols, rows, choice, told)),
    ):
        text = json.dumps(document, ensure_ascii=False, indent=2)
        (building / name).write_text(f"{text}\n", encoding="utf-8")
    return package


def _provenance(
    protocols: Sequence[Protocol],
    rows: ExportRows,
    choice: ExportChoice,
    told: Mapping[str, str | bool | None],
) -> dict[str, object]:
    """Return where an export comes from, without the time at which it was made."""
    return {
        "box": {"version": __version__},
        "options": {**told, "since": _roughly(told["since"], choice.dates)},
        "protocols": [{"id": one.id, "sha256": one.sha256} for one in protocols],
        "models": [asdict(one) for one in sorted(rows.models, key=str)],
        "counts": asdict(rows.counts),
        "small_groups": {
            "k": K,
            "by": ["hospital_id", "age in decades", "gender"],
            "n_groups": rows.counts.n_small_groups,
            "n_patients": rows.counts.n_in_small_groups,
        },
        "newest_record_at": rows.newest_at and told_end(rows.newest_at, choice.dates),
    }


def _roughly(since: object, dates: Dates) -> object:
    """Return a cut as its month: the day would bound by how much each patient was moved."""
    return since[: len("2026-11")] if isinstance(since, str) and dates is not Dates.TRUE else since


def _write(path: Path, rows: Iterable[Sequence[Cell]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(csv_row(row) for row in rows)
