"""`spira export`: take the data out for research."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from appliance.commands.console import (
    ACTOR,
    DirectoryOption,
    JsonOption,
    opened,
    progress,
    show,
)
from appliance.usecases.export import ExportRecords, export_tables


def export(
    target: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty directory.")],
    *,
    study: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Pseudonyms of this study's own, the same at each of its exports."
        ),
    ] = None,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write inferences, results and recordings as CSV; nothing names a patient."""
    with opened(directory) as box:
        counts = export_tables(
            target.absolute(),
            pseudonym_key=box.pseudonym_key,
            study=study,
            actor=ACTOR,
            progress=progress("inferences looked at"),
            clock=box.clock,
            new_id=box.new_id,
            records=ExportRecords(
                protocols=box.protocols,
                inferences=box.inferences,
                recordings=box.recordings,
                audit=box.audit,
            ),
        )
    show(
        {"export": {"directory": str(target), **asdict(counts)}},
        [
            f"{counts.n_inferences} inferences in {target}",
            f"{counts.n_results} results, {counts.n_recordings} recordings",
            f"{counts.n_without_consent} inferences without consent were left out.",
            f"Next: read {target / 'README.txt'}",
        ],
        as_json=as_json,
    )
