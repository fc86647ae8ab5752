"""The README promises only what is there."""

from __future__ import annotations

import csv
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from appliance.adapters.ed25519_signatures import public_pem
from cli import app
from tests.bundle_builders import a_bundle, an_author
from tests.system.boxes import SPIRA, free_port

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


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with what the README takes as given: a key, its bundle, a list of nurses."""
    author = an_author()
    (tmp_path / "lab.pub").write_bytes(public_pem(author.public_key))
    (tmp_path / "model.spira").write_bytes(a_bundle())
    (tmp_path / "ward.csv").write_text("username,hospitals\nbia,Hospital das Clínicas\n")
    return tmp_path


@pytest.mark.system
def test_the_commands_of_the_readme_do_what_it_says(place: Path) -> None:
    """From a new box to its export, each in its turn, as an installation runs them."""
    fingerprint = an_author().trusted().fingerprint
    for line in (line for line in LINES if line.startswith("spira ")):
        words = shlex.split(line, comments=True)[1:]
        if words[0] == "serve":
            assert served([SPIRA, *words], place) == 0
            continue
        done = subprocess.run(
            [SPIRA, *words],
            cwd=place,
            input=f"{fingerprint}\n",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}: {done.stderr}"
    assert (place / "export-2026" / "SHA256SUMS").is_file()


def served(command: list[str | Path], place: Path) -> int:
    """Serve on a free port until it is ready; return how it ended after SIGTERM."""
    command[command.index("--port") + 1] = "0"
    with subprocess.Popen(command, cwd=place, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        assert any('"port"' in line for line in server.stderr)
        server.terminate()
        server.communicate(timeout=30)
        return server.returncode


@pytest.mark.lab
def test_the_whole_way_of_a_model_is_walked_as_the_readme_says(tmp_path: Path) -> None:
    """From voices over a real MLflow server to an export in pandas, in one script."""
    (tmp_path / ".venv-lab").symlink_to(Path(sys.prefix))
    (script,) = re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)
    done = subprocess.run(
        ["bash", "-c", script],  # noqa: S607 - the shell of whoever reads it
        cwd=tmp_path,
        env={**os.environ, "PORT": str(free_port())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "var" / "study" / "study-1.0.0.html").is_file()
    assert "spurious" in (tmp_path / "var" / "study" / "model" / "evaluation.json").read_text()
    with (tmp_path / "var/study/export/results.csv").open(encoding="utf-8", newline="") as results:
        said = {row["model_name"]: row["shadow"] for row in csv.DictReader(results)}
    assert said == {"spiraconv-demo": "false", "study": "true"}
    assert "probability" in done.stdout
