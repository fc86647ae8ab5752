"""`spira hospitals`: where patients are seen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from appliance.commands.console import (
    ACTOR,
    DirectoryOption,
    JsonOption,
    opened,
    read_json_object,
    show,
    table,
)
from appliance.core.errors import HospitalNotFound
from appliance.core.hospital import Hospital
from appliance.core.rgh import HC_RULE, RghRule
from appliance.ports import HospitalRecords
from appliance.usecases.hospitals import add_hospital

app = typer.Typer(no_args_is_help=True, help="Hospitals, each with an RGH rule.")


@app.command(epilog="Example: spira hospitals add 'Hospital das Clínicas' --rgh-rule hc")
def add(
    name: Annotated[str, typer.Argument(help="As the form shall show it.")],
    *,
    rgh_rule: Annotated[
        str,
        typer.Option(help="hc, none, or a JSON file with pattern, length, weights, modulus …"),
    ] = "none",
    directory: DirectoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a hospital to the list."""
    rule = _rule(rgh_rule)
    with opened(directory) as box:
        hospital = add_hospital(
            name,
            rule,
            actor=ACTOR,
            clock=box.clock,
            new_id=box.new_id,
            hospitals=box.hospitals,
        )
    show({"hospital": _document(hospital)}, [f"{hospital.name} ({hospital.id})"], as_json=as_json)


@app.command("list", epilog="Example: spira hospitals list")
def list_hospitals(*, directory: DirectoryOption = None, as_json: JsonOption = False) -> None:
    """List all hospitals."""
    with opened(directory) as box:
        hospitals = box.hospitals.hospitals()
    rows = [(h.name, "yes" if h.rgh_rule else "no", h.id) for h in hospitals]
    show(
        {"hospitals": [_document(hospital) for hospital in hospitals]},
        table(("name", "checks RGH", "id"), rows),
        as_json=as_json,
    )


def hospital_named(name: str, hospitals: HospitalRecords) -> Hospital:
    """Return the hospital of that name.

    Raises:
        HospitalNotFound.
    """
    for hospital in hospitals.hospitals():
        if hospital.name == name:
            return hospital
    raise HospitalNotFound


def _rule(asked: str) -> RghRule | None:
    """Return the rule of a name or a file."""
    if asked == "none":
        return None
    if asked == "hc":
        return HC_RULE
    return RghRule.from_document(read_json_object(Path(asked)))


def _document(hospital: Hospital) -> dict[str, object]:
    rule = hospital.rgh_rule.document() if hospital.rgh_rule else None
    return {"id": hospital.id, "name": hospital.name, "rgh_rule": rule}
