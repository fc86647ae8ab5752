"""What every command shares: its options, its box, its answers and its signs of life."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from appliance.core.errors import (
    ApplianceError,
    FieldError,
    FileMissing,
    InvalidRequest,
    MalformedRequest,
)
from appliance.settings import Settings, read_settings

if TYPE_CHECKING:
    from appliance.bootstrap import Appliance  # opening a box loads much: only `opened` does

ACTOR: Final = "console"
"""Who the audit names for what is done here."""

EXIT_MODEL_FAULT: Final = 6
"""Also where a model ran and failed, and its answer was printed (cli/table.py has the table)."""

REPORT_EVERY_S: Final = 1.0
QUIET_FOR_S: Final = 1.0

MAX_JSON_BYTES: Final = 1024 * 1024
MAX_JSON_DEPTH: Final = 32

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


@dataclass(slots=True, kw_only=True)
class Answer:
    """Whether a command printed its document: a later fault must not print a second one."""

    given: bool = False


_answer: Final[ContextVar[Answer]] = ContextVar("answer")


@contextmanager
def one_answer() -> Iterator[Answer]:
    """Watch over the one document that a command may print."""
    answer = Answer()
    token = _answer.set(answer)
    try:
        yield answer
    finally:
        _answer.reset(token)


@contextmanager
def opened(directory: Path | None) -> Iterator[Appliance]:
    """Give the box in that directory.

    Raises:
        NotInitialised: there is none.
    """
    from appliance.bootstrap import open_appliance  # noqa: PLC0415 - help needs no box

    with open_appliance(settings_for(directory)) as appliance:
        yield appliance


def show(document: object, lines: Iterable[str], *, as_json: bool) -> None:
    """Print one JSON document for programs, or lines for people."""
    if as_json:
        print_document(document)
        return
    for line in lines:
        typer.echo(line)


def print_document(document: object) -> None:
    """Print the one JSON document of a command."""
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
    _answer.get(Answer()).given = True


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield the lines of a table, columns as wide as what stands in them."""
    texts = [[str(cell) if cell is not None else "-" for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *texts, strict=True)]
    for row in (header, *texts):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def printable(text: str) -> str:
    """Return a line from outside without what would steer a terminal."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


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


def read_bytes(path: Path, *, max_bytes: int | None = None) -> bytes:
    """Return the bytes of a file a person named.

    Raises:
        FileMissing: it does not exist or cannot be read.
        MalformedRequest: it holds more than `max_bytes`.
    """
    try:
        with path.open("rb") as file:
            content = file.read(-1 if max_bytes is None else max_bytes + 1)
    except OSError as error:
        raise FileMissing(f"{path} does not exist or cannot be read.") from error
    if max_bytes is not None and len(content) > max_bytes:
        raise MalformedRequest(f"{path.name} is longer than {max_bytes} bytes.")
    return content


def read_utf8(path: Path, *, max_bytes: int) -> str:
    """Return the text of a file a person named, whatever spreadsheet or editor wrote it.

    Raises:
        FileMissing, MalformedRequest: as `read_bytes`.
        InvalidRequest: it is not UTF-8.
    """
    try:
        return read_bytes(path, max_bytes=max_bytes).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        fault = FieldError(field="file", code="encoding", message="save it as UTF-8")
        raise InvalidRequest(f"{path.name} is not UTF-8.", errors=(fault,)) from error


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
    return ask("Password", instead="--password-stdin or --generate", secret=True)


def ask(question: str, *, instead: str, secret: bool = False) -> str:
    """Return what a person at the console typed; a secret is not shown and typed twice.

    Args:
        question: what is asked.
        instead: the option for where nobody can answer.
        secret: a password.

    Raises:
        InvalidRequest: nobody is there to answer.
    """
    try:
        answer: str = typer.prompt(
            question, hide_input=secret, confirmation_prompt=secret, err=True
        )
    except typer.Abort as abort:
        # Typer makes one of both: that nobody is there, and that somebody pressed Ctrl-C.
        if isinstance(abort.__context__, EOFError):
            raise InvalidRequest(f"{question}: nobody is here to ask; use {instead}.") from abort
        raise
    return answer


def read_json_object(path: Path, *, max_bytes: int = MAX_JSON_BYTES) -> dict[str, Any]:
    """Return the JSON object of a file that a person named.

    Raises:
        FileMissing: it cannot be read.
        MalformedRequest: larger than allowed (1 MiB), not JSON, nested too deep, or no object.
    """
    content = read_bytes(path, max_bytes=max_bytes)
    try:
        found = json.loads(content, parse_constant=_no_such_number)
        # A lone surrogate can be escaped in JSON, but is no text that could be printed or stored.
        json.dumps(found, ensure_ascii=False).encode()
    except RecursionError as error:
        raise MalformedRequest(f"{path.name} is nested too deep.") from error
    except ValueError as error:
        raise MalformedRequest(f"{path.name} is not JSON.") from error
    if not isinstance(found, dict):
        raise MalformedRequest(f"{path.name} holds no JSON object.")
    if _depth(found) > MAX_JSON_DEPTH:
        raise MalformedRequest(f"{path.name} is nested too deep.")
    return found


def _no_such_number(spelling: str) -> float:
    raise ValueError(spelling)


def _depth(document: object) -> int:
    """Return how deep lists and objects stand in each other, without descending by recursion."""
    depth, level = 0, [document]
    while level := [
        child
        for node in level
        if isinstance(node, dict | list)
        for child in (node.values() if isinstance(node, dict) else node)
    ]:
        depth += 1
    return depth
