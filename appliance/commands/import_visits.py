"""`spira import`: take visits of another box, or of SPIRA's older lists, into a research box."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from appliance.commands.console import (
    ACTOR,
    DirectoryOption,
    JsonOption,
    opened,
    progress,
    read_utf8,
    show,
)
from appliance.commands.hospitals import hospital_named
from appliance.commands.inferences import only_nurse
from appliance.commands.users import user_named
from appliance.core.import_aliases import Aliases, read_aliases
from appliance.core.inference import Purpose
from appliance.usecases.import_ready import Wanted
from appliance.usecases.import_sources import import_source
from appliance.usecases.import_visits import ImportBox, import_visits

if TYPE_CHECKING:
    from appliance.bootstrap import Appliance

MAX_TEXT_BYTES: Final = 4 * 1024 * 1024


UserOption: TypeAlias = Annotated[
    str, typer.Option(help="In whose name; needed unless there is exactly one active nurse.")
]
HospitalOption: TypeAlias = Annotated[
    str, typer.Option(help="Where all of it was taken, by name; else each row says (local).")
]
AliasesOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="TOML: [columns], [values.COLUMN] and [defaults], theirs = ours."
    ),
]
RejectOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Ids or file paths left out, one a line; # comments."),
]
ScoreOption: TypeAlias = Annotated[
    bool, typer.Option("--score", help="Let the default model answer each of them.")
]


def import_(
    place: Annotated[
        Path,
        typer.Argument(
            metavar="PLACE", help="The directory of an export, or a CSV with file_path,class."
        ),
    ],
    *,
    user: UserOption = "",
    hospital: HospitalOption = "",
    aliases: AliasesOption = None,
    reject: RejectOption = None,
    score: ScoreOption = False,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Store visits of another box or of a list of 2021 in a box for research.

    Everything is looked at before the first is stored: all that fits, or nothing. Broken off, it
    may be run again. Who takes it in answers for the consent it was given under.
    """
    words = Aliases() if aliases is None else read_aliases(_read(aliases))
    rejected = frozenset[str]() if reject is None else frozenset(_lines(_read(reject)))
    with opened(directory) as box:
        counts = import_visits(
            import_source(place.absolute(), words),
            Wanted(
                user_id=(user_named(user, box) if user else only_nurse(box)).id,
                hospital=hospital_named(hospital, box.hospitals).name if hospital else None,
                rejected=rejected,
                purpose=Purpose.INFERENCE if score else Purpose.COLLECTION,
            ),
            actor=ACTOR,
            progress=progress("visits"),
            box=_box(box),
        )
    lines = [
        f"{counts.n_inferences} inferences with {counts.n_recordings} recordings stored.",
        f"{counts.n_here} were here already, {counts.n_rejected} were left out as asked.",
    ]
    show({"import": asdict(counts)}, lines, as_json=as_json)


def _box(box: Appliance) -> ImportBox:
    return ImportBox(
        records=box.submission_records(),
        tablets=box.tablets,
        audit=box.audit,
        audio=box.audio,
        queue=box.queue,
        clock=box.clock,
        new_id=box.new_id,
    )


def _lines(text: str) -> list[str]:
    bare = (line.strip() for line in text.splitlines())
    return [line for line in bare if line and not line.startswith("#")]


def _read(file: Path) -> str:
    return read_utf8(file, max_bytes=MAX_TEXT_BYTES)
