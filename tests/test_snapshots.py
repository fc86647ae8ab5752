"""What is written of the product is what it does: references are made from it and compared.

`make docs` (UPDATE_SNAPSHOTS=1) writes them anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup
from typer.testing import CliRunner

from appliance.core.codebook import HEADER, TABLES, form_columns
from appliance.core.csv_text import csv_row
from appliance.core.errors import ApplianceError
from appliance.core.export_columns import header
from appliance.core.protocol import parse_protocol
from appliance.settings import settings_table
from appliance.web.problems import status_of
from cli import Spira, app

ROOT = Path(__file__).parents[1]
PROTOCOL = ROOT / "appliance" / "protocols" / "spira-2022.1.json"
WIDTH = 88


def compare(path: Path, text: str) -> None:
    """Hold a file to its text, or write it anew when asked to."""
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{path.name} was never written: make docs"
    assert path.read_text(encoding="utf-8") == text, f"{path.name} is not what is: make docs"


def commands(group: TyperGroup, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command below a group, in the order of its help."""
    for name, command in group.commands.items():
        yield (*words, name)
        if isinstance(command, TyperGroup):
            yield from commands(command, (*words, name))


def all_commands() -> list[tuple[str, ...]]:
    """Return the words of every command of `spira`."""
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    return list(commands(root))


def help_of(words: tuple[str, ...]) -> str:
    """Return what `--help` prints, in a terminal of a known width."""
    done = CliRunner().invoke(
        app, [*words, "--help"], prog_name="spira", terminal_width=WIDTH, max_content_width=WIDTH
    )
    assert done.exit_code == 0
    return done.stdout


def leaves(kind: type[ApplianceError] = ApplianceError) -> Iterator[type[ApplianceError]]:
    """Yield every error that is raised by name, in the order of its definition."""
    for child in kind.__subclasses__():
        if "code" in vars(child):
            yield child
        yield from leaves(child)


def error_rows() -> Iterator[str]:
    """Yield the rows of the table of errors."""
    for leaf in leaves():
        assert leaf.__doc__
        meaning = leaf.__doc__.split("\n", 1)[0]
        retry = "yes" if leaf.retryable else "no"
        exit_status = Spira.status_of(leaf())
        yield (
            f"| `{leaf.code}` | {meaning} | {leaf.remedy} | {retry} "
            f"| {status_of(leaf).value} | {exit_status} |"
        )


def test_the_reference_of_commands_is_what_help_prints() -> None:
    """installer/cli-reference.md holds the help of every command."""
    parts = ["# Commands of spira\n\nMade from `--help`; `make docs` writes it anew.\n"]
    parts += [
        f"## {' '.join(('spira', *words))}\n\n```text\n{help_of(words)}```\n"
        for words in [(), *all_commands()]
    ]
    compare(ROOT / "installer" / "cli-reference.md", "\n".join(parts))


@pytest.mark.parametrize("words", all_commands(), ids=" ".join)
def test_every_command_helps(words: tuple[str, ...]) -> None:
    """Each shows an example and takes --json, and --data where it works on a box."""
    text = help_of(words)
    if "COMMAND [ARGS]" in text:
        return
    assert "Example: spira " + " ".join(words) in " ".join(text.split())
    assert "--json" in text
    lab = {"train", "evaluate", "register", "pull", "pack", "keygen"}
    if words[-1] not in {*lab, "validate", "version"}:
        assert "--data" in text


def test_the_table_of_errors_is_the_tree_of_errors() -> None:
    """installer/errors.md has one row a leaf, with its HTTP and exit status."""
    head = (
        "# Errors\n\nEvery error the product raises on purpose, by its stable code; "
        "`make docs` writes this anew.\n\n"
        "| code | meaning | remedy | may be retried | HTTP | exit |\n|---|---|---|---|---|---|\n"
    )
    compare(ROOT / "installer" / "errors.md", head + "\n".join(error_rows()) + "\n")


def test_codes_are_unique_and_explained() -> None:
    """No two errors share a code, and each has a meaning and a remedy."""
    found = list(leaves())
    assert len({leaf.code for leaf in found}) == len(found)
    assert all(leaf.remedy and leaf().detail for leaf in found)


def test_the_table_of_settings_is_the_settings() -> None:
    """installer/settings.md has one row a setting."""
    head = "# Settings\n\nOf `settings.toml` and the environment; `make docs` writes this anew.\n\n"
    compare(ROOT / "installer" / "settings.md", f"{head}{settings_table()}\n")


def test_the_headers_of_an_export_stand_still() -> None:
    """Whoever reads our tables by name is not surprised by a release."""
    form = form_columns((parse_protocol(PROTOCOL.read_bytes()),))
    lines = [f"codebook.csv: {csv_row(HEADER)}"]
    for name, columns in TABLES:
        extra = [column.name for column in form] if name == "inferences.csv" else []
        lines.append(f"{name}: {csv_row([*header(columns), *extra])}")
    text = "".join(line.replace("\r\n", "\n") for line in lines)
    compare(ROOT / "tests" / "snapshots" / "csv-headers.txt", text)


def test_the_openapi_document_stands_still() -> None:
    """A change of the API is seen in review, in tests/snapshots/openapi.json; no box is needed."""
    done = CliRunner().invoke(app, ["openapi"])

    assert done.exit_code == 0
    document = json.loads(done.stdout)
    text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    compare(ROOT / "tests" / "snapshots" / "openapi.json", text)
