"""The whole way of one patient at a real box, at three sizes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.browser import nurse
from tests.browser.tablet import stored, tablet
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
        said = ward.page.get_by_role("region", name="Resultado da voz").inner_text()
        assert re.search(r"\d\s*%", said) is None
        kept = ward.stored()
        assert nurse.RGH not in kept
        assert "RIFF" not in kept
        ward.assert_well_behaved()
    assert [stored(box, table) for table in ("inferences", "recordings", "envelopes")] == [1, 5, 6]
