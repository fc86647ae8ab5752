"""The README promises only what is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from cli.table import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
LINES = [line for block in BLOCKS for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("spira ")])
def test_every_command_of_the_readme_parses(line: str) -> None:
    """Each names a command that exists and options it takes."""
    command = typer.main.get_command(app)
    words = shlex.split(line, comments=True)[1:]
    while isinstance(command, TyperGroup):
        command = command.commands[words.pop(0)]

    context = command.make_context("spira", words)

    assert context.params["directory"] == Path("var/box")


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("make ")])
def test_every_target_of_the_readme_is_one(line: str) -> None:
    """`make` knows what the README tells people to make."""
    targets = re.findall(r"^\.PHONY: (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert line.split()[1] in targets


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)]+)\)", README))
def test_every_link_of_the_readme_leads_somewhere(target: str) -> None:
    """No link of the README is dead."""
    assert (ROOT / target).exists()


def test_no_line_of_shell_is_left_untried() -> None:
    """Every command line of the README is held by one of these tests."""
    assert LINES
    assert all(line.startswith(("spira ", "make ")) for line in LINES)
