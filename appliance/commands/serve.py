"""`spira serve` and `spira openapi`: the API."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from appliance.commands.console import DirectoryOption, JsonOption
from appliance.settings import read_settings


def serve(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Port; 0 takes a free one.")
    ] = None,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,  # noqa: ARG001 - errors are JSON then; there is no other answer
) -> None:
    """Serve the API and compute results until told to stop (Ctrl-C, or SIGTERM)."""
    from appliance.process import run  # noqa: PLC0415 - the web framework, for this command alone

    run(read_settings(os.environ, data=directory, host=host, port=port))
