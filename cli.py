"""The table of contents of `spira`: each command parses, calls one use case, prints."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance import __version__

app = typer.Typer(
    name="spira",
    help="A patient's voice goes in, a pre-diagnosis comes out; nothing is lost.",
    no_args_is_help=True,
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


@app.command()
def version() -> None:
    """Print the version of this release.

    Example: spira version
    """
    typer.echo(__version__)
