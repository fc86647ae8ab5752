"""Where a command ends: well, or with a status, a sentence and a remedy, never a traceback."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Final

import typer
import typer.main
from typer._click import Command, Context, HelpFormatter
from typer._click.exceptions import NoArgsIsHelpError, UsageError
from typer.core import TyperCommand, TyperGroup

from appliance.commands.console import (
    error_document,
    error_lines,
    one_answer,
    say,
)
from appliance.commands.stopped import EXIT_STOPPED, tell_stopped
from appliance.core.errors import ApplianceError

EXIT_USAGE: Final = 2

_AS_JSON: Final = "--json"


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the table of contents.

    Attributes:
        name: as it is typed.
        promise: what the list of commands says of it; begins its own help, too.
        place: `module:attribute` of a function, or of a Typer with commands below it.
        more: of another Typer whose commands stand beside those.
        example: ends its help, if it is a function.
    """

    name: str
    promise: str
    place: str
    more: str = ""
    example: str = ""

    def load(self) -> Command:
        """Import what it takes to run the command."""
        found = _found(self.place)
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        if isinstance(found, typer.Typer):
            beside = _found(self.more).registered_commands if self.more else []
            noun = typer.Typer(help=found.info.help, no_args_is_help=True)
            noun.registered_commands = [*found.registered_commands, *beside]
            alone.add_typer(noun, name=self.name)
        else:
            alone.command(self.name, epilog=f"Example: {self.example}")(found)
        return typer.main.get_group(alone).commands[self.name]


def _found(place: str) -> Any:  # noqa: ANN401 - whatever stands there
    module, attribute = place.split(":")
    return getattr(import_module(module), attribute)


class _Commands(MutableMapping[str, Command]):
    """Commands by name, each loaded when it is asked for."""

    def __init__(self, listed: Sequence[Listed]) -> None:
        self._listed = {line.name: line for line in listed}
        self._loaded: dict[str, Command] = {}

    def __getitem__(self, name: str) -> Command:
        if name not in self._loaded:
            self._loaded[name] = self._listed[name].load()
        return self._loaded[name]

    def __setitem__(self, name: str, command: Command) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._listed[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._listed)

    def __len__(self) -> int:
        return len(self._listed)


class CommandLine(TyperGroup):
    """The root of all commands.

    Attributes:
        statuses: exit status by family of errors.
        listed: the commands, in the order of the help.
    """

    statuses: ClassVar[Mapping[type[ApplianceError], int]] = {}
    listed: ClassVar[Sequence[Listed]] = ()

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - as the class above has them
        """Know the commands by name."""
        super().__init__(**settings)
        self.commands = _Commands(self.listed)

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without loading one."""
        width = formatter.width - 6 - max(len(line.name) for line in self.listed)
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (
                        line.name,
                        TyperCommand(line.name, help=line.promise).get_short_help_str(width),
                    )
                    for line in self.listed
                ]
            )

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: Context | None = None,
        **extra: Any,  # noqa: ANN401 - as the class above has it
    ) -> Context:
        """Read the options of `spira` itself; a program is told in JSON what is wrong with them."""
        as_json = _AS_JSON in args
        try:
            context = super().make_context(info_name, args, parent, **extra)
        except UsageError as error:
            raise self._usage(error, as_json=as_json) from error
        context.meta[_AS_JSON] = as_json
        return context

    def invoke(self, ctx: Context) -> Any:  # noqa: ANN401 - as the class above has it
        """Run the command; what was expected to go wrong ends here."""
        as_json: bool = ctx.meta[_AS_JSON]
        with one_answer() as answer:
            try:
                return super().invoke(ctx)
            except ApplianceError as error:
                report(
                    error_document(error),
                    error_lines(error),
                    as_json=as_json and not answer.given,
                )
                raise typer.Exit(self.status_of(error)) from error
            except UsageError as error:
                raise self._usage(error, as_json=as_json) from error
            except (KeyboardInterrupt, typer.Abort) as stop:
                tell_stopped(as_json=as_json and not answer.given)
                raise typer.Exit(EXIT_STOPPED) from stop

    @classmethod
    def status_of(cls, error: ApplianceError) -> int:
        """Return the exit status of an expected error."""
        return next(n for family, n in cls.statuses.items() if isinstance(error, family))

    @staticmethod
    def _usage(error: UsageError, *, as_json: bool) -> UsageError | typer.Exit:
        """Return what ends the command; a program was told by then."""
        if not as_json or isinstance(error, NoArgsIsHelpError):
            return error
        report(_usage_document(error), (), as_json=True)
        return typer.Exit(EXIT_USAGE)


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
