"""The rooms of the house: what each may import, and what may stand in none of them."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OUTSIDE_THE_INSIDE = (
    "argon2",
    "cryptography",
    "huey",
    "jwt",
    "litestar",
    "mlflow",
    "onnx",
    "onnxruntime",
    "sqlite3",
    "sqlite_utils",
    "torch",
    "typer",
    "uvicorn",
)
CLI = ("cli", "cli_evaluate", "cli_train")
LAB = ("mlflow", "models", "onnx", "onnxscript", "pandas", "torch", "torchaudio")
BANNED_NAMES = frozenset(
    (
        *("utils", "helpers", "common", "misc", "base", "manager"),
        *("service", "processor", "engine", "data", "info"),
    )
)
# The two edges where anything may arrive and nothing may escape.
CATCH_ALL_EDGES = frozenset({"appliance/worker.py", "appliance/web/problems.py"})
# The one tree of errors, a table; and the specification of every port, mostly prose.
LONG_BY_NATURE = frozenset({"appliance/core/errors.py", "appliance/ports.py"})
N_FILE_LINES_MAX = 300
N_FUNCTION_LINES_MAX = 50

IMPORT_BLOCKED = """
import importlib, pkgutil, sys

blocked, wanted = sys.argv[1].split(","), sys.argv[2].split(",")

class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in blocked:
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Wall())
for name in wanted:
    room = importlib.import_module(name)
    for child in pkgutil.walk_packages(getattr(room, "__path__", ()), prefix=f"{name}."):
        importlib.import_module(child.name)
"""


def import_blocked(blocked: tuple[str, ...], wanted: tuple[str, ...]) -> str:
    """Import modules and all below them in a fresh interpreter; its complaint, empty if none."""
    command = [sys.executable, "-c", IMPORT_BLOCKED, ",".join(blocked), ",".join(wanted)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stderr


def sources(*places: str) -> list[Path]:
    """Every Python file of these files and directories of the repository, those present."""
    found = [ROOT / place for place in places]
    return sorted(
        file
        for place in found
        for file in ([place] if place.is_file() else place.rglob("*.py"))
        if "node_modules" not in file.parts
    )


PRODUCT = sources("appliance", "models", *(f"{name}.py" for name in CLI))
EVERYTHING = [*PRODUCT, *sources("tests")]


def test_the_inside_imports_with_every_technology_blocked() -> None:
    """Core, ports and use cases need no framework, no database and no network to be understood."""
    inside = ("appliance.core", "appliance.ports", "appliance.usecases")
    assert import_blocked(OUTSIDE_THE_INSIDE, inside) == ""


def test_the_wall_of_blocked_imports_stops_an_adapter() -> None:
    """The block above is real: the adapter that talks to SQLite does not import behind it."""
    complaint = import_blocked(OUTSIDE_THE_INSIDE, ("appliance.adapters.sqlite_records",))
    assert "is blocked" in complaint


def test_the_command_line_imports_without_the_lab() -> None:
    """A box in a hospital has no torch and no need of models/: its commands still start."""
    assert import_blocked(LAB, ("cli",)) == ""


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield the full dotted name of everything a tree imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def at_import_time(tree: ast.Module) -> ast.Module:
    """The same module without the bodies of its functions: what runs when it is imported."""
    outside = [n for n in tree.body if not isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    return ast.Module(body=outside, type_ignores=[])


def within(name: str, *packages: str) -> bool:
    """Whether a dotted name is one of these packages or stands below one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def stray_imports(path: str, tree: ast.Module) -> list[str]:
    """The imports a file of the outer rooms may not have."""
    strays = []
    if not within(path.replace("/", "."), "appliance.bootstrap", "appliance.adapters"):
        strays += [n for n in imports(tree) if within(n, "appliance.adapters")]
    if path.removesuffix(".py") in CLI or path.startswith("appliance/commands/"):
        allowed = ("appliance", *CLI, "typer", "click", *sys.stdlib_module_names)
        strays += [n for n in imports(at_import_time(tree)) if not within(n, *allowed)]
        strays += [n for n in imports(tree) if within(n, "sqlite3", "appliance.web")]
    elif path.startswith("appliance/"):
        strays += [n for n in imports(tree) if within(n, *LAB, *CLI)]
    return strays


@pytest.mark.parametrize("file", PRODUCT, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_file_imports_only_what_its_room_may(file: Path) -> None:
    """Only bootstrap knows adapters, only the commands know models, and those only when called."""
    assert stray_imports(str(file.relative_to(ROOT)), ast.parse(file.read_text())) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("cli.py", "import models.pack"),
        ("cli.py", "from appliance.adapters import onnx_predictor"),
        ("cli.py", "import onnxruntime"),
        ("cli_train.py", "from models import train"),
        ("cli_evaluate.py", "from models.evaluation import evaluate"),
        ("appliance/worker.py", "import cli_train"),
        ("cli.py", "def serve():\n    from appliance.web import app"),
        ("cli.py", "def serve():\n    import sqlite3"),
        ("appliance/commands/models.py", "if True:\n    from models import pack"),
        ("appliance/worker.py", "def run():\n    import appliance.adapters.huey_queue"),
        ("appliance/web/health.py", "from appliance.adapters.audio_files import x"),
        ("appliance/server.py", "import torch"),
        ("appliance/usecases/submit.py", "import cli"),
    ],
)
def test_a_stray_import_is_seen(path: str, source: str) -> None:
    """Each rule on imports catches a planted breach of it."""
    assert stray_imports(path, ast.parse(source)) != []


def test_the_commands_may_reach_the_lab_when_called() -> None:
    """A lazy import of models inside a command is the way the lab is reached."""
    lazy = ast.parse("import typer\nfrom appliance import bootstrap\ndef pack():\n import models")
    assert stray_imports("cli.py", lazy) == []


ONNXRUNTIME_IMPORTERS = {
    "appliance/adapters/onnx_predictor/onnxruntime_import.py",
    "models/onnxruntime_import.py",
}


def imports_onnxruntime(source: str) -> bool:
    """Whether a source imports ONNX Runtime, at its top or inside a function."""
    return any(within(name, "onnxruntime") for name in imports(ast.parse(source)))


def test_onnx_runtime_is_imported_where_its_telemetry_is_off() -> None:
    """Whoever else imported it first would let it phone home."""
    found = {str(f.relative_to(ROOT)) for f in EVERYTHING if imports_onnxruntime(f.read_text())}
    assert found == ONNXRUNTIME_IMPORTERS


@pytest.mark.parametrize(
    "source",
    [
        "import onnxruntime as ort",
        "from onnxruntime.capi import x",
        "def f():\n    import onnxruntime",
    ],
)
def test_an_import_of_onnx_runtime_is_seen(source: str) -> None:
    """Each way to import it is caught."""
    assert imports_onnxruntime(source)


def defined_names(node: ast.AST) -> Iterator[str]:
    """Yield the names one node gives to something."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield name
        case ast.ClassDef(name=name):
            yield from (name, re.split(r"(?=[A-Z])", name)[-1])
        case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()):
            yield name
        case ast.alias(asname=str(name)):
            yield name


def catches_all(node: ast.AST) -> bool:
    """Whether a node swallows whatever may come; cleaning up and raising again is no swallowing."""
    match node:
        case ast.ExceptHandler(type=None | ast.Name(id="Exception" | "BaseException")):
            again = node.body[-1]
            return not (isinstance(again, ast.Raise) and again.exc is None)
        case (
            ast.ExceptHandler(type=ast.Tuple(elts=kinds))
            | ast.Call(func=ast.Attribute(attr="suppress") | ast.Name(id="suppress"), args=kinds)
        ):
            named = {kind.id for kind in kinds if isinstance(kind, ast.Name)}
            return not named.isdisjoint({"Exception", "BaseException"})
    return False


def faults_of_style(path: str, source: str) -> list[str]:
    """What stands in a file of the product and should not."""
    faults = [f"module called {part}" for part in BANNED_NAMES & {Path(path).stem}]
    if len(source.splitlines()) > N_FILE_LINES_MAX and path not in LONG_BY_NATURE:
        faults.append(f"over {N_FILE_LINES_MAX} lines")
    for node in ast.walk(ast.parse(source)):
        where = getattr(node, "lineno", 0)
        faults += [f"{where}: {n}" for n in defined_names(node) if n.lower() in BANNED_NAMES]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            n_lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if n_lines > N_FUNCTION_LINES_MAX:
                faults.append(f"{where}: {node.name} has {n_lines} lines")
        if catches_all(node) and path not in CATCH_ALL_EDGES:
            faults.append(f"{where}: catches everything")
    return faults


@pytest.mark.parametrize("file", PRODUCT, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_file_keeps_the_style_of_the_house(file: Path) -> None:
    """Files and functions are short, names mean something, and nothing swallows every error."""
    assert faults_of_style(str(file.relative_to(ROOT)), file.read_text()) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("appliance/core/utils.py", ""),
        ("appliance/core/x.py", "def helpers(): ..."),
        ("appliance/core/x.py", "class TokenManager: ..."),
        ("appliance/core/x.py", "class Base: ..."),
        ("appliance/core/x.py", "def f(*, data): ..."),
        ("appliance/core/x.py", "info: int = 1"),
        ("appliance/core/x.py", "for data in (): ..."),
        ("appliance/core/x.py", "import json as common"),
        ("appliance/core/x.py", "try: ...\nexcept Exception: ..."),
        ("appliance/core/x.py", "try: ...\nexcept: ..."),
        ("appliance/core/x.py", "try: ...\nexcept (KeyError, Exception) as e: ..."),
        ("appliance/core/x.py", "with contextlib.suppress(Exception): ..."),
        ("appliance/core/x.py", "\n" * (N_FILE_LINES_MAX + 1)),
        ("appliance/core/x.py", "def f():\n" + "    f()\n" * N_FUNCTION_LINES_MAX),
    ],
)
def test_a_fault_of_style_is_seen(path: str, source: str) -> None:
    """Each rule of style catches a planted breach of it."""
    assert faults_of_style(path, source) != []


def mocks(source: str) -> list[str]:
    """Where a source replaces parts of the code under test behind its back."""
    tree = ast.parse(source)
    patched = [
        f"{node.lineno}: monkeypatch.setattr"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"setattr", "setitem"}
        if isinstance(node.value, ast.Name)
    ]
    return patched + [name for name in imports(tree) if within(name, "unittest.mock", "mock")]


@pytest.mark.parametrize("file", EVERYTHING, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_file_mocks(file: Path) -> None:
    """Fakes stand in for ports; nothing is patched from outside."""
    assert mocks(file.read_text()) == []


@pytest.mark.parametrize(
    "source",
    ["from unittest import mock", "import unittest.mock as m", "monkeypatch.setattr(a, 'b', 1)"],
)
def test_a_mock_is_seen(source: str) -> None:
    """Each way to mock is caught."""
    assert mocks(source) != []
