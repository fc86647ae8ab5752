"""The table of contents of `spira`: what there is; a command is loaded when it is run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

import typer

from appliance import __version__
from appliance.commands import console
from appliance.commands.command_line import CommandLine, Listed
from appliance.core.errors import (
    ApplianceError,
    Denied,
    Missing,
    ModelFault,
    Refused,
    StorageFault,
)

EXIT_STATUS: Final[dict[type[ApplianceError], int]] = {
    Refused: 3,
    Denied: 4,
    Missing: 5,
    ModelFault: console.EXIT_MODEL_FAULT,
    StorageFault: 7,
}
"""Exit status by family; besides: 0 well, 1 a fault of this program (with its traceback), 2 the
command line is not right, 8 `doctor` found errors, 130 stopped by Ctrl-C."""

COMMANDS: Final[Sequence[Listed]] = (
    Listed(
        name="init",
        promise="Make a box: data directory, keys, protocol, first admin; passwords shown once.",
        place="appliance.commands.init:init",
        example="spira init --demo --data var/spira",
    ),
    Listed(
        name="serve",
        promise="Serve the API and compute results until told to stop (Ctrl-C or SIGTERM).",
        place="appliance.commands.serve:serve",
        example="spira serve --port 8443",
    ),
    Listed(
        name="infer",
        promise="Send form and recordings the way of all others, and print the pre-diagnosis.",
        place="appliance.commands.inferences:infer",
        example="spira infer --form form.json --recording aceite=a.wav "
        "--recording sustentada=s.wav --recording parlenda=p.wav",
    ),
    Listed(
        name="export",
        promise="Write inferences, results and recordings as CSV; nothing names a patient.",
        place="appliance.commands.export:export",
        example="spira export export-2026-11",
    ),
    Listed(
        name="doctor",
        promise="Look at the whole box and say what is wrong, what it does, and what to do.",
        place="appliance.commands.doctor:doctor",
        example="spira doctor --deep",
    ),
    Listed(
        name="openapi",
        promise="Print the OpenAPI document of the API: JSON with or without --json.",
        place="appliance.commands.serve:openapi",
        example="spira openapi > openapi.json",
    ),
    Listed(
        name="demo",
        promise="Make a demonstration box, send it golden recordings, print the pre-diagnosis.",
        place="appliance.commands.demo:demo",
        example="spira demo --once",
    ),
    Listed(
        name="version",
        promise="Print the version of this release.",
        place="appliance.commands.version:version",
        example="spira version",
    ),
    Listed(
        name="inferences",
        promise="Inferences: list, show, withdraw consent.",
        place="appliance.commands.inferences:app",
    ),
    Listed(
        name="users",
        promise="Accounts: add, list, set a password, disable.",
        place="appliance.commands.users:app",
    ),
    Listed(
        name="hospitals",
        promise="Hospitals, each with its rule for the RGH.",
        place="appliance.commands.hospitals:app",
    ),
    Listed(
        name="protocols",
        promise="Protocols: the form, the recordings, their limits.",
        place="appliance.commands.protocols:app",
    ),
    Listed(
        name="models",
        promise="Models: bundles on the box; training in the lab.",
        place="cli.lab:app",
    ),
    Listed(
        name="keys",
        promise="Keys that may sign bundles for this box.",
        place="appliance.commands.keys:app",
    ),
    Listed(
        name="audit",
        promise="The chain of who did what.",
        place="appliance.commands.doctor:app",
    ),
)


class Spira(CommandLine):
    """`spira`, with its table."""

    statuses = EXIT_STATUS
    listed = COMMANDS


app = typer.Typer(
    name="spira",
    cls=Spira,
    help="A patient's voice goes in, a pre-diagnosis comes out; nothing is lost.",
    epilog="Begin with: spira init --demo, then spira serve. Exit status: 0 well, 2 command line, "
    "3 refused, 4 denied, 5 missing, 6 model at fault, 7 storage at fault, 8 doctor found errors, "
    "130 stopped.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(asked: bool) -> None:  # noqa: FBT001 - typer calls it with the option's value
    """Print the version and leave, if it was asked for."""
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def spira(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and leave."
        ),
    ] = False,
) -> None:
    """Run the SPIRA appliance and everything around it."""
