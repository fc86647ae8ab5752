"""`spira models compare`: how far two versions say the same of the same voices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from appliance.commands.console import (
    ACTOR,
    DirectoryOption,
    JsonOption,
    opened,
    progress,
    show,
    table,
)
from appliance.core.agreement import ORDER, Agreement, Pair
from appliance.core.agreement import compare as agreement_of
from appliance.core.audit import AuditAction, audited
from appliance.core.csv_text import csv_row
from appliance.usecases.compare_models import compared
from appliance.usecases.models import find_version
from appliance.usecases.whole_directory import write_new_file

COLUMNS: Final = (
    "inference_id",
    "first_diagnosis",
    "second_diagnosis",
    "first_probability",
    "second_probability",
    "flip",
)
VersionArgument = Annotated[
    str, typer.Argument(metavar="NAME[@VERSION]", help="The newest version if none is named.")
]


def compare(
    first: VersionArgument,
    second: VersionArgument,
    *,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="A new file: one row a pair.")
    ] = None,
    include_test: Annotated[
        bool,
        typer.Option(
            "--include-test", help="Also tests: all that a demonstration model was asked, too."
        ),
    ] = False,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two versions on what both answered: agreement, kappa, McNemar, flips by id.

    `spira rescore` has a version answer what it was not asked.
    """
    report = progress("compared")
    pairs, n_test = [], 0
    with opened(directory) as box:
        a = find_version(first, models=box.models)
        b = find_version(second, models=box.models)
        for pair in compared(a, b, inferences=box.inferences):
            if pair.is_test and not include_test:
                n_test += 1
                continue
            pairs.append(pair)
            report(f"{len(pairs)} inferences")
        if csv is not None:
            # Who takes answers out of the box is on record before they are.
            box.audit.append(
                audited(
                    AuditAction.MODEL_COMPARED,
                    a.id,
                    at=box.clock(),
                    actor=ACTOR,
                    second=b.id,
                    n_inferences=len(pairs),
                )
            )
            write_new_file(csv, "".join(_csv(pairs)), mode=0o600)
    names = tuple(version.full_name for version in (a, b))
    found = agreement_of(pairs)
    document = {**_document(found, pairs, names), "n_test_left_out": n_test}
    show(document, _lines(found, pairs, names, n_test), as_json=as_json)


def _csv(pairs: Sequence[Pair]) -> Iterator[str]:
    yield csv_row(COLUMNS)
    for pair in pairs:
        said = (pair.first.value, pair.second.value)
        yield csv_row(
            (
                pair.inference_id,
                *said,
                pair.first_probability,
                pair.second_probability,
                pair.is_flip,
            )
        )


def _document(found: Agreement, pairs: Sequence[Pair], names: Sequence[str]) -> dict[str, object]:
    return {
        "first": names[0],
        "second": names[1],
        "n_inferences": found.n_pairs,
        "n_patients": found.n_patients,
        "order": [diagnosis.value for diagnosis in ORDER],
        "table": [list(row) for row in found.table],
        "agreement": found.agreement,
        "kappa": found.kappa,
        "mcnemar": {
            "n_first_only": found.n_first_only,
            "n_second_only": found.n_second_only,
            "p": found.mcnemar_p,
        },
        "flips": [
            {
                "inference_id": pair.inference_id,
                "first": pair.first.value,
                "second": pair.second.value,
                "first_probability": pair.first_probability,
                "second_probability": pair.second_probability,
            }
            for pair in pairs
            if pair.is_flip
        ],
    }


def _lines(
    found: Agreement, pairs: Sequence[Pair], names: Sequence[str], n_test: int
) -> Iterator[str]:
    yield (
        f"{found.n_pairs} inferences of {found.n_patients} patients that both answered;"
        f" rows {names[0]}, columns {names[1]}"
    )
    if n_test:
        yield f"{n_test} tests are left out: --include-test"
    header = ("", *(diagnosis.value for diagnosis in ORDER))
    rows = zip(ORDER, found.table, strict=True)
    yield from table(header, [(name.value, *counts) for name, counts in rows])
    yield f"agreement: {_number(found.agreement)}   Cohen's kappa: {_number(found.kappa)}"
    yield (
        f"McNemar, exact: p = {found.mcnemar_p:.4g} ({found.n_first_only} positive by the first"
        f" alone, {found.n_second_only} by the second alone)"
    )
    flips = [pair for pair in pairs if pair.is_flip]
    yield f"{len(flips)} flips"
    for pair in flips:
        yield f"  {pair.inference_id}: {pair.first.value} -> {pair.second.value}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
