"""Boxes for the commands: made once, copied for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.console import Console, make_box


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Console:
    """A furnished box that no test changes."""
    return make_box(tmp_path_factory.mktemp("template"))


@pytest.fixture
def box(template: Console, tmp_path: Path) -> Console:
    """A furnished box of this test's own."""
    return template.copy_to(tmp_path)
