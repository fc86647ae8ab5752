"""What every command shares: its options, its box, its answers and its signs of life."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from appliance.bootstrap import Appliance, open_appliance
from appliance.core.errors import ApplianceError, FileMissing
from appliance.settings import Settings, read_settings

ACTOR: Final = "console"
"""Who the audit names for what is done here."""

EXIT_MODEL_FAULT: Final = 6
"""Also where a model ran and failed, and its answer was printed (cli.py has the table)."""

REPORT_EVERY_S: Final = 1.0
QUIET_FOR_S: Final = 1.0

DirectoryOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--data", envvar="SPIRA_DATA", metavar="DIR", help="The data directory of the box."
    ),
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON document, errors too.")
]


def settings_for(directory: Path | None) -> Settings:
    """Return the settings of the box a command is about."""
    return read_settings(os.environ, directory=directory)


@contextmanager
def opened(directory: Path | None) -> Iterator[Appliance]:
    """Give the box in that directory.

    Raises:
        NotInitialised: there is none.
    """
    with open_appliance(settings_for(directory)) as appliance:
        yield appliance


def show(document: object, lines: Iterable[str], *, as_json: bool) -> None:
    """Print one JSON document for programs, or lines for people."""
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    for line in lines:
        typer.echo(line)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield the lines of a table, columns as wide as what stands in them."""
    texts = [[str(cell) if cell is not None else "-" for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *texts, strict=True)]
    for row in (header, *texts):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def error_document(error: ApplianceError) -> dict[str, object]:
    """Return an expected error as a program reads it."""
    return {
        "error": {
            "code": error.code,
            "detail": error.detail,
            "remedy": error.remedy,
            "retryable": error.retryable,
            "details": dict(error.details),
            "errors": [
                {"field": fault.field, "code": fault.code, "message": fault.message}
                for fault in error.errors
            ],
        }
    }


def error_lines(error: ApplianceError) -> Iterator[str]:
    """Yield an expected error as a person reads it."""
    yield f"{error.detail} ({error.code})"
    for name, value in error.details.items():
        yield f"  {name}: {', '.join(value) if isinstance(value, tuple) else value}"
    for fault in error.errors:
        yield f"  {fault.field}: {fault.message}"
    yield error.remedy


def say(line: str) -> None:
    """Tell the person at the console something that is no part of the answer."""
    typer.echo(line, err=True)


def progress(what: str, *, clock: Callable[[], float] = time.monotonic) -> Callable[[object], None]:
    """Return what reports steps on stderr, once a second, from the first second on."""
    due_at = clock() + QUIET_FOR_S

    def report(step: object) -> None:
        nonlocal due_at
        if clock() >= due_at:
            say(f"{what}: {step}")
            due_at = clock() + REPORT_EVERY_S

    return report


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file a person named.

    Raises:
        FileMissing: it does not exist or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileMissing(f"{path} does not exist or cannot be read.") from error


def read_password(*, from_stdin: bool, generated: Callable[[], str] | None = None) -> str:
    """Return a password that never stood among the arguments.

    Args:
        from_stdin: the first line of standard input.
        generated: makes one where nobody is asked.
    """
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if generated is not None:
        return generated()
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return password
