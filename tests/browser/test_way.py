"""The whole way of one patient at a real box, at three sizes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.browser import nurse
from tests.browser.tablet import tablet
from tests.system.boxes import Box

MAX_TAPS = 46


@pytest.mark.parametrize("size", ["phone", "tablet", "desktop"])
def test_a_patient_from_the_form_to_the_result(
    playwright: Playwright, box: Box, sound: Path, tmp_path: Path, size: str
) -> None:
    """In so many taps, with the box's own receipt for every part, and words for a result."""
    with tablet(playwright, box.address, tmp_path / size, sound=sound, size=size) as ward:
        nurse.sign_in(ward, box.users["nurse"])
        nurse.fill_essentials(ward)
        nurse.agree(ward)
        nurse.record_all(ward)
        nurse.send(ward)
        ward.sees("Salvo no servidor")
        ward.page.get_by_role("region", name="Resultado da voz").wait_for()
        ward.sees("Modelo de demonstração")
        assert ward.taps <= MAX_TAPS, ward.taps
        assert "%" not in ward.page.get_by_role("region", name="Resultado da voz").inner_text()
        kept = ward.stored()
        assert nurse.RGH not in kept
        assert "RIFF" not in kept
        ward.assert_well_behaved()
    with sqlite3.connect(box.data / "records.db") as records:
        counts = [
            records.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("inferences", "recordings", "envelopes")
        ]
    assert counts == [1, 5, 6]
