"""`spira models evaluate`: how good a model is, and what it hears that it must not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from appliance.commands.console import JsonOption, show
from appliance.commands.lab import require_lab

EXAMPLES: Final = """\
Example: spira models evaluate var/model var/recordings

\b
Choose calibration and thresholds on half of the patients, judge on the others:
  spira models evaluate var/model spira-2021.csv --validation 0.5
A bundle, on an export of a box (with its sound) and what medicine found later:
  spira models evaluate spiraconv-1.0.0.spira var/export --labels outcomes.csv

The same data and seed give the same evaluation. `spira models pack` puts it into manifest and card.
"""

ModelArgument: TypeAlias = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A model directory, or a bundle.")
]
SourceArgument: TypeAlias = Annotated[
    Path,
    typer.Argument(metavar="SOURCE", help="Recordings with labels: an export, a CSV or a folder."),
]
LabelsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Of an export: a CSV patient_id,label or inference_id,label."
    ),
]
RoleOption: TypeAlias = Annotated[
    str, typer.Option(help="Of a CSV's recordings, where no column says.")
]
ValidationOption: TypeAlias = Annotated[
    float,
    typer.Option(
        metavar="SHARE",
        min=0.0,
        max=0.9,
        help="Of the patients: choose the operating point on them, judge on the others.",
    ),
]
AimOption: TypeAlias = Annotated[
    float,
    typer.Option(
        metavar="SHARE", min=0.5, max=0.99, help="With --validation: what the lower bound must be."
    ),
]
SeedOption: TypeAlias = Annotated[
    int, typer.Option(min=0, help="Of parts, draws, folds and made noise.")
]
DrawsOption: TypeAlias = Annotated[
    int, typer.Option(min=100, max=100_000, help="Of patients, for intervals.")
]
OutOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="A new directory; else the model's, or NAME-evaluation."),
]


def evaluate(  # noqa: PLR0913 - each option is one
    model: ModelArgument,
    source: SourceArgument,
    *,
    labels: LabelsOption = None,
    role: RoleOption = "frase",
    validation: ValidationOption = 0.0,
    sensitivity: AimOption = 0.9,
    specificity: AimOption = 0.9,
    seed: SeedOption = 20_261,
    draws: DrawsOption = 2_000,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lab: judge a model on labelled recordings; report what it hears that it must not."""
    require_lab()
    from models.evaluation.evaluate import EvaluationPlan  # noqa: PLC0415 - not on the box
    from models.evaluation.evaluate import evaluate as judge  # noqa: PLC0415
    from models.evaluation.keeping import keep, refuse_target  # noqa: PLC0415
    from models.evaluation.opening import open_model  # noqa: PLC0415
    from models.evaluation.operating import Aim  # noqa: PLC0415
    from models.evaluation.telling import document, lines  # noqa: PLC0415
    from models.labelled.reading import read_labelled  # noqa: PLC0415
    from models.progress import on_stderr  # noqa: PLC0415

    plan = EvaluationPlan(
        validation=validation,
        aim=Aim(sensitivity=sensitivity, specificity=specificity),
        seed=seed,
        n_draws=draws,
    )
    labelled = read_labelled(source, labels=labels, role=role)
    opened = open_model(model, progress=on_stderr)
    refuse_target(opened, out)
    found = judge(opened, labelled, plan, progress=on_stderr)
    directory = keep(found, opened, out)
    show(document(found, directory), lines(found, directory, model), as_json=as_json)
