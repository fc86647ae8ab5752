"""Where a command ends: well, or with a status, a sentence and a remedy, never a traceback."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final

import typer
from typer._click import Context
from typer._click.exceptions import UsageError
from typer.core import TyperGroup

from appliance.commands.console import error_document, error_lines, say
from appliance.core.errors import ApplianceError

EXIT_USAGE: Final = 2
EXIT_STOPPED: Final = 130

_AS_JSON: Final = "spira.as_json"


class CommandLine(TyperGroup):
    """The root of all commands.

    Attributes:
        statuses: exit status by family of errors.
    """

    statuses: ClassVar[Mapping[type[ApplianceError], int]] = {}

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Remember whether the one who asks is a program."""
        ctx.meta[_AS_JSON] = "--json" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Context) -> Any:  # noqa: ANN401 - as the class above has it
        """Run the command; what was expected to go wrong ends here."""
        as_json: bool = ctx.meta[_AS_JSON]
        try:
            return super().invoke(ctx)
        except ApplianceError as error:
            report(error_document(error), error_lines(error), as_json=as_json)
            raise typer.Exit(self.status_of(error)) from error
        except UsageError as error:
            if not as_json:
                raise
            report(_usage_document(error), (), as_json=True)
            raise typer.Exit(EXIT_USAGE) from error
        except (KeyboardInterrupt, typer.Abort) as stop:
            say("Stopped.")
            raise typer.Exit(EXIT_STOPPED) from stop

    @classmethod
    def status_of(cls, error: ApplianceError) -> int:
        """Return the exit status of an expected error."""
        return next(n for family, n in cls.statuses.items() if isinstance(error, family))


def report(document: Mapping[str, object], lines: Iterable[str], *, as_json: bool) -> None:
    """Print an error: one document to stdout for programs, lines to stderr for people."""
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    for line in lines:
        say(line)


def _usage_document(error: UsageError) -> dict[str, object]:
    return {
        "error": {
            "code": "usage",
            "detail": error.format_message(),
            "remedy": "See --help.",
            "retryable": False,
            "details": {},
            "errors": [],
        }
    }
