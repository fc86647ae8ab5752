"""A new release of the box, and the way out of a faulty one."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Error, Playwright

import appliance
from tests.browser import nurse
from tests.browser.tablet import Tablet, stored, tablet
from tests.system.boxes import SPIRA, Box, wait_until

CHECKOUT = Path(appliance.__file__).parents[1]
KEPT = """Promise.all([caches.keys(), indexedDB.databases()])
  .then((all) => all.map((found) => found.length))"""
"""How many copies of the app and databases this tablet keeps."""


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The command of a newer release, whose app differs by a word."""
    release = tmp_path / "newer"
    shutil.copytree(CHECKOUT / "appliance", release / "appliance")
    for commands in ("cli.py", "cli_evaluate.py", "cli_train.py"):
        shutil.copy(CHECKOUT / commands, release)
    app = release / "appliance" / "ui"
    page = app / "index.html"
    page.write_text(page.read_text().replace("<title>SPIRA</title>", "<title>SPIRA newer</title>"))
    worker = app / "sw.js"
    worker.write_text(re.sub(r"spira-shell-\w{4}", "spira-shell-0000", worker.read_text()))
    command = tmp_path / "spira-newer"
    command.write_text(f'#!/bin/sh\nPYTHONPATH={release} exec {SPIRA} "$@"\n')
    command.chmod(0o755)
    return command


def title(ward: Tablet) -> Callable[[], bool]:
    """Return what looks whether the newer page is shown."""
    return lambda: ward.page.title() == "SPIRA newer"


def kept(ward: Tablet) -> list[int]:
    """Return what this tablet keeps; nothing while its page is opened anew."""
    try:
        found: list[int] = ward.page.evaluate(KEPT)
    except Error:
        return []
    return found


def open_anew(ward: Tablet) -> None:
    """Load the page again; where it does so itself at that moment, one of the two is broken off."""
    try:
        ward.page.reload()
    except Error:
        ward.page.wait_for_load_state()


def upgrade(box: Box, newer: Path, ward: Tablet) -> None:
    """Let the newer release serve, and a tablet find its app."""
    assert box.stop() == 0
    box.program = newer
    box.start()
    ward.page.evaluate("navigator.serviceWorker.ready.then((found) => found.update())")
    wait_until(
        lambda: ward.page.evaluate(
            "navigator.serviceWorker.ready.then((found) => found.waiting !== null)"
        ),
        20,
        "the new version",
    )


def test_a_new_release_waits_until_nobody_has_a_patient_in_hand(
    playwright: Playwright, box: Box, sound: Path, tmp_path: Path, newer: Path
) -> None:
    """Not while recording; then it asks, and everything is there. Another tab follows."""
    with tablet(playwright, box.address, tmp_path / "tablet", sound=sound) as ward:
        nurse.sign_in(ward, box.users["nurse"])
        ward.keeps_app()
        other = ward.context.new_page()
        other.goto(box.address)
        other.get_by_role("heading", name="Já aberto em outra aba").wait_for()
        nurse.fill_essentials(ward)
        nurse.agree(ward)
        upgrade(box, newer, ward)
        ward.tap("Gravar")
        assert not ward.page.get_by_text("Há nova versão").is_visible()
        ward.sees("Gravando · 2 s")
        ward.press(ward.page.locator("button.record"))
        ward.tap("Continuar")
        nurse.stop_and_send(ward)
        wait_until(lambda: stored(box, "inferences") == 1, 60, "the patient")
        assert ward.page.title() == "SPIRA"
        ward.tap("Atualizar")
        wait_until(title(ward), 20, "the new version to be shown")
        wait_until(lambda: other.title() == "SPIRA newer", 20, "the other tab to follow")
        nurse.unlock(ward)
        ward.sees("Conectado")


def test_a_box_takes_a_faulty_app_back(ward: Tablet, box: Box) -> None:
    """Tablets forget their copy, and nothing that waits."""
    nurse.sign_in(ward, box.users["nurse"])
    ward.keeps_app()
    assert kept(ward) == [1, 1]
    assert box.stop() == 0
    (box.data / "settings.toml").write_text("offline_app = false\n", encoding="utf-8")
    box.start()
    open_anew(ward)
    wait_until(lambda: kept(ward) == [0, 1], 20, "the copy to go")
    open_anew(ward)
    nurse.unlock(ward)
    ward.sees("Conectado")
    assert kept(ward) == [0, 1]
