"""`spira export`: take the data out for research."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from appliance.commands.console import (
    ACTOR,
    DirectoryOption,
    JsonOption,
    opened,
    progress,
    show,
)
from appliance.core.export_choice import ExportChoice, read_since, read_where
from appliance.core.export_dates import Dates
from appliance.core.export_found import ExportCounts
from appliance.usecases.export import ExportRecords, export_tables

if TYPE_CHECKING:
    from appliance.bootstrap import Appliance

StudyOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Pseudonyms of this study's own, the same at each of its exports."
    ),
]
DatesOption: TypeAlias = Annotated[
    Dates | None,
    typer.Option(
        help="Moved by days for each patient; or month and hour alone; or true ones, which need "
        "--identified, and are what it has unless told.",
    ),
]
SinceOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="What the box received from then on: 2026-11-01. Cuts tell when that was, and so "
        "roughly how far dates were moved: take --dates month-hour.",
    ),
]
WhereOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN=VALUE",
        help="Only rows of inferences.csv with this, as diagnosis=positive; again: another column, "
        "or value.",
    ),
]
TestOption: TypeAlias = Annotated[
    bool,
    typer.Option("--include-test", help="Also tests, and what a demonstration model has said."),
]
UnverifiedOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--include-unverified", help="Also what came with no word of consent (API of 2022)."
    ),
]
IdentifiedOption: TypeAlias = Annotated[
    bool,
    typer.Option("--identified", help="With RGH, free texts, true ages and ids; --reason."),
]
AudioOption: TypeAlias = Annotated[
    bool,
    typer.Option("--audio", help="With the sound, never of spoken consent; needs --reason."),
]
ParquetOption: TypeAlias = Annotated[
    bool,
    typer.Option("--parquet", help="Each table as Parquet, too; pyarrow has to be installed."),
]
ReasonOption: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="Why, for the audit, which keeps it: name no patient."),
]


def export(  # noqa: PLR0913 - each option of an export is one
    target: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty directory.")],
    *,
    study: StudyOption = None,
    dates: DatesOption = None,
    since: SinceOption = None,
    where: WhereOption = None,
    include_test: TestOption = False,
    include_unverified: UnverifiedOption = False,
    identified: IdentifiedOption = False,
    audio: AudioOption = False,
    parquet: ParquetOption = False,
    reason: ReasonOption = None,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write inferences, results and recordings as CSV; names no patient unless asked.

    Left out unless asked for: tests, what came without word of consent, the sound, and whatever
    identifies a patient. Who refused or took consent back is in no export.
    """
    choice = ExportChoice(
        study=study,
        dates=dates or (Dates.TRUE if identified else Dates.SHIFTED),
        include_test=include_test,
        include_unverified=include_unverified,
        since=None if since is None else read_since(since),
        where=read_where(where or ()),
        identified=identified,
        audio=audio,
        parquet=parquet,
        reason=reason,
    )
    with opened(directory) as box:
        counts = export_tables(
            target.absolute(),
            pseudonym_key=box.pseudonym_key,
            choice=choice,
            actor=ACTOR,
            progress=progress("inferences looked at"),
            clock=box.clock,
            new_id=box.new_id,
            records=_records(box, parquet=parquet),
        )
    show(
        {"export": {"directory": str(target), **asdict(counts)}},
        _lines(target, counts, choice),
        as_json=as_json,
    )


def _records(box: Appliance, *, parquet: bool) -> ExportRecords:
    from appliance.bootstrap import parquet_writer  # noqa: PLC0415 - help needs no box

    return ExportRecords(
        protocols=box.protocols,
        inferences=box.inferences,
        recordings=box.recordings,
        audio=box.audio,
        audit=box.audit,
        parquet=parquet_writer() if parquet else None,
    )


def _lines(target: Path, counts: ExportCounts, choice: ExportChoice) -> Iterator[str]:
    """Yield what was written, what was left out, and what to mind."""
    yield f"{counts.n_inferences} inferences in {target}"
    yield f"{counts.n_results} results, {counts.n_recordings} recordings"
    if choice.audio:
        yield f"{counts.n_sounds} sounds"
    yield f"{counts.n_without_consent} inferences without consent were left out."
    if counts.n_unverified:
        yield f"{counts.n_unverified} without word of consent, too: --include-unverified"
    if counts.n_test:
        yield f"{counts.n_test} tests, too: --include-test"
    if counts.n_in_small_groups:
        yield (
            f"{counts.n_in_small_groups} patients are in groups of fewer than five of one "
            "hospital, sex and decade of age."
        )
    if choice.identified:
        yield "This export identifies patients."
    yield f"Next: read {target / 'README.txt'}"
