"""`spira version` and `spira --version`."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance import __version__
from appliance.commands.console import JsonOption, show


def _print_and_leave(asked: bool) -> None:  # noqa: FBT001 - typer calls it with the option's value
    """Print the version and leave, if it was asked for."""
    if asked:
        typer.echo(__version__)
        raise typer.Exit


VersionOption = Annotated[
    bool,
    typer.Option(
        "--version", callback=_print_and_leave, is_eager=True, help="Print the version and leave."
    ),
]


def version(*, as_json: JsonOption = False) -> None:
    """Print the version of this release."""
    show({"version": __version__}, [__version__], as_json=as_json)
