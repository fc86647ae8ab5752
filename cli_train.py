"""`spira models train`: on recordings with labels, or on synthetic voices. A part of `cli`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from appliance.commands.console import JsonOption, show
from appliance.commands.lab import WORK, TrackingOption, WorkOption, require_lab

EXAMPLES: Final = """\
Example: spira models train --work var/lab

\b
On an export of a box, with its sound, and what medicine found later:
  spira models train var/export --labels outcomes.csv --name spiraconv
On a table of SPIRA's layout of 2021 (file_path,class):
  spira models train spira-2021.csv --role frase --epochs 100
On folders, positive/PATIENT/ROLE.wav and negative/PATIENT/ROLE.wav:
  spira models train var/recordings --statement bundle.toml

Ended by Ctrl-C, the same command takes it up after the last whole epoch.
"""

SourceArgument: TypeAlias = Annotated[
    Path | None,
    typer.Argument(
        metavar="SOURCE",
        help="Recordings with labels: an export, a CSV or a folder. Synthetic voices if absent.",
    ),
]
LabelsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Of an export: a CSV patient_id,label or inference_id,label."
    ),
]
RoleOption: TypeAlias = Annotated[
    str | None, typer.Option(help="Of a CSV's recordings, where no column says: frase.")
]
StatementOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The author's bundle.toml; else a draft is written."),
]
NameOption: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Of the registered model; else the statement's, spiraconv or -demo."),
]
SettingsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="TOML: batch, dropout, [augmentation] …; see models/AUTHORS.md."
    ),
]
SeedOption: TypeAlias = Annotated[
    int | None, typer.Option(help="Of parts, first weights, order, changes of voices.")
]
EpochsOption: TypeAlias = Annotated[int | None, typer.Option(help="Passes at most.")]
PatienceOption: TypeAlias = Annotated[
    int | None, typer.Option(help="Ends after so many passes without gain; 0: never early.")
]
RestartOption: TypeAlias = Annotated[
    bool, typer.Option("--restart", help="Give up what was begun in --work and has not ended.")
]


def train(  # noqa: PLR0913 - each option of a training is one
    source: SourceArgument = None,
    *,
    labels: LabelsOption = None,
    role: RoleOption = None,
    statement: StatementOption = None,
    settings: SettingsOption = None,
    seed: SeedOption = None,
    epochs: EpochsOption = None,
    patience: PatienceOption = None,
    name: NameOption = None,
    restart: RestartOption = False,
    work: WorkOption = WORK,
    tracking_uri: TrackingOption = "",
    as_json: JsonOption = False,
) -> None:
    """Lab: train on labelled recordings or synthetic voices, log to MLflow, register."""
    require_lab()
    from models.progress import on_stderr  # noqa: PLC0415 - torch is not on the box
    from models.train import train as train_model  # noqa: PLC0415
    from models.trained_told import document_of, lines_of  # noqa: PLC0415
    from models.training.asked import Asked, voices_asked  # noqa: PLC0415

    asked = Asked(
        source=source,
        labels=labels,
        role=role,
        statement=statement,
        settings=settings,
        told={"seed": seed, "n_epochs": epochs, "patience": patience},
        name=name,
    )
    named, voices = voices_asked(asked)
    trained = train_model(
        work,
        voices=voices,
        tracking_uri=tracking_uri or None,
        name=named,
        progress=on_stderr,
        restart=restart,
    )
    is_draft = source is not None and statement is None
    show(document_of(trained), lines_of(trained, is_draft=is_draft), as_json=as_json)
