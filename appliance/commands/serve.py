"""`spira serve` and `spira openapi`: the API. The web framework is loaded for these two alone."""

# ruff: noqa: PLC0415 - as the line above says

from __future__ import annotations

import logging
import os
import tempfile
import threading
from pathlib import Path
from typing import Annotated

import typer

from appliance.commands.console import DirectoryOption, JsonOption, print_document
from appliance.core.errors import StorageFailed
from appliance.one_server import only_server
from appliance.settings import Settings, read_settings, unknown_variables

NoDirectoryOption = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Not needed: the document is that of every box."),
]


def serve(
    *,
    host: Annotated[str | None, typer.Option(metavar="HOST", help="Address to listen on.")] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, metavar="PORT", help="Port; 0 takes any free one."),
    ] = None,
    directory: DirectoryOption = None,
    as_json: JsonOption = False,  # noqa: ARG001 - its answers are logs; errors heed it
) -> None:
    """Serve the API and compute results until told to stop (Ctrl-C or SIGTERM).

    What happens is logged to stderr, one JSON line an event.
    """
    run_server(read_settings(os.environ, directory=directory, host=host, port=port))


def run_server(settings: Settings) -> None:
    """Serve until an orderly stop.

    Raises:
        NotInitialised, AlreadyServing, AddressUnavailable; StorageFailed: the disk failed and
        the process has to be started anew.
    """
    from appliance import process, server
    from appliance.bootstrap import notifier, open_appliance
    from appliance.logs import start_logging

    start_logging(settings.log_level)
    for name in unknown_variables(os.environ):
        logging.getLogger(__name__).warning("setting-unknown", extra={"variable": name})
    storage_failed = threading.Event()
    systemd, news = notifier(), server.News()
    with (
        only_server(settings.directory),
        open_appliance(
            settings, serving=True, on_failure=lambda _failure: storage_failed.set()
        ) as appliance,
    ):
        process.serve(
            server.create_app(appliance, storage_failed=storage_failed, news=news),
            sockets=process.listening_sockets(
                settings.host, settings.port, environment=os.environ, pid=os.getpid()
            ),
            shutdown_s=settings.shutdown_s,
            storage_failed=storage_failed,
            on_stopping=news.close,
            notify=systemd,
            watchdog_s=systemd.watchdog_s,
        )
    if storage_failed.is_set():
        # It failed at the very end, when the log was written back: nothing is lost by that,
        # but an orderly stop it was not.
        raise StorageFailed


def openapi(
    *,
    directory: NoDirectoryOption = None,  # noqa: ARG001 - as its help says
    as_json: JsonOption = False,  # noqa: ARG001 - it is JSON anyway
) -> None:
    """Print the OpenAPI document of the API: JSON with or without --json."""
    from appliance import server
    from appliance.bootstrap import make_box_files, open_appliance

    with tempfile.TemporaryDirectory() as empty:
        settings = read_settings({}, directory=Path(empty))
        make_box_files(settings)
        with open_appliance(settings) as appliance:
            document = server.openapi_document(server.create_app(appliance))
    print_document(document)
