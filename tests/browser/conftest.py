"""A real box, a real browser, a microphone that plays a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, sync_playwright

from tests.browser.tablet import Tablet, has_chromium, tablet, voice
from tests.system.boxes import Box
from tests.system.running import box, golden, made, no_log_tells_of_anyone

__all__ = ["box", "golden", "made", "no_log_tells_of_anyone"]

ROOM = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this room; where there is no browser, skip it, but never in CI."""
    for item in items:
        if ROOM not in item.path.parents:
            continue
        item.add_marker(pytest.mark.browser)
        if not has_chromium() and not os.environ.get("CI"):
            item.add_marker(pytest.mark.skip(reason="Chromium is missing: apt install chromium"))


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What drives browsers."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vowel that ends, and a room in which nobody speaks."""
    return voice(tmp_path_factory.mktemp("sound") / "voice.wav")


@pytest.fixture
def ward(playwright: Playwright, box: Box, sound: Path, tmp_path: Path) -> Iterator[Tablet]:
    """A tablet at a running box."""
    with tablet(playwright, box.address, tmp_path / "tablet", sound=sound) as found:
        yield found
