"""However a command ends, a program reads one JSON document, and nobody reads a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import typer.main
from typer.core import TyperGroup
from typer.testing import CliRunner

from appliance.commands.command_line import Listed
from appliance.commands.console import JsonOption, show
from appliance.core.errors import DemonstrationFailed
from cli import COMMANDS, Spira, app
from tests.commands.console import run

ROOT = Path(__file__).parents[2]

STOPPED_WHILE_IMPORTING = """
import sys

class CtrlC:
    def find_spec(self, name, path=None, target=None):
        if name == wanted:
            raise KeyboardInterrupt

wanted = sys.argv.pop(1)
sys.meta_path.insert(0, CtrlC())
from cli import main
main()
"""
HEAVY = ("argon2", "cryptography", "jsonschema", "litestar", "numpy", "onnxruntime", "sqlite3")


faulty = typer.Typer()


@faulty.command()
def late(*, as_json: JsonOption = False) -> None:
    """Print an answer, then fail."""
    show({"answer": 1}, ["1"], as_json=as_json)
    raise DemonstrationFailed


@faulty.command()
def late_stop(*, as_json: JsonOption = False) -> None:
    """Print an answer, then be stopped."""
    show({"answer": 1}, ["1"], as_json=as_json)
    raise KeyboardInterrupt


@faulty.command()
def stop(*, as_json: JsonOption = False) -> None:  # noqa: ARG001
    """Be stopped by Ctrl-C."""
    raise KeyboardInterrupt


class Faulty(Spira):
    """A command line whose commands end badly."""

    listed = (Listed(name="faulty", promise="End badly.", place=f"{__name__}:faulty"),)


faulty_app = typer.Typer(cls=Faulty, add_completion=False, rich_markup_mode=None)
faulty_app.callback()(lambda: None)


@pytest.mark.parametrize(
    ("word", "status", "document"),
    [("late", 7, {"answer": 1}), ("late-stop", 130, {"answer": 1}), ("stop", 130, None)],
)
def test_there_is_one_document_however_it_ends(
    word: str, status: int, document: dict[str, int] | None
) -> None:
    """What fails after its answer says so on stderr alone; what is stopped before says so in it."""
    done = CliRunner().invoke(faulty_app, ["faulty", word, "--json"])

    assert done.exit_code == status
    found = json.loads(done.stdout)
    if document is None:
        assert found["error"]["code"] == "stopped"
    else:
        assert found == document
        assert done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--bogus", "--json"),
        ("--json", "bogus"),
        ("bogus", "--json"),
        ("users", "--bogus", "--json"),
        ("users", "bogus", "--json"),
        ("users", "list", "--bogus", "--json"),
        ("serve", "--port", "x", "--json"),
    ],
)
def test_a_wrong_command_line_is_told_in_json(arguments: tuple[str, ...]) -> None:
    """Wherever on the line the fault stands."""
    said = run(*arguments)

    assert (said.status, said.error) == (2, "usage")


@pytest.mark.parametrize("arguments", [("--bogus",), ("users", "bogus"), ("bogus",)])
def test_a_wrong_command_line_is_told_to_people(arguments: tuple[str, ...]) -> None:
    """Without --json it is words on stderr."""
    said = run(*arguments)

    assert (said.status, said.stdout) == (2, "")
    assert "bogus" in said.stderr


def test_each_line_of_the_table_is_what_its_command_says() -> None:
    """The list of commands, which loads none of them, promises what each promises."""
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    said = {name: (command.help or "").split("\n\n")[0] for name, command in root.commands.items()}

    assert said == {line.name: line.promise for line in COMMANDS}


@pytest.mark.parametrize(
    "module", ["appliance.commands.console", "typer", "appliance.commands.version"]
)
@pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
def test_ctrl_c_while_it_loads_is_no_fault(module: str, as_json: bool) -> None:
    """From the first import on it ends with 130, a word or a document, and no traceback."""
    words = ["version", *(["--json"] if as_json else [])]
    done = subprocess.run(
        [sys.executable, "-c", STOPPED_WHILE_IMPORTING, module, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 130
    if as_json:
        assert json.loads(done.stdout)["error"]["code"] == "stopped"
    else:
        assert (done.stdout, done.stderr) == ("", "Stopped.\n")


@pytest.mark.parametrize("arguments", ["--help", "version", "bogus"])
def test_what_needs_no_box_loads_none(arguments: str) -> None:
    """Help and version come at once: nothing heavy is imported for them."""
    loaded = f"""
import sys
from cli import main
try:
    main()
finally:
    heavy = {HEAVY!r}
    sys.stderr.write(" ".join(["heavy:", *(name for name in heavy if name in sys.modules)]))
"""
    done = subprocess.run(
        [sys.executable, "-c", loaded, *arguments.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr.splitlines()[-1] == "heavy:"
