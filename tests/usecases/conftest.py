"""Wards in memory."""

from __future__ import annotations

import pytest

from tests.fakes import open_fake_records
from tests.usecases.ward import Ward


@pytest.fixture
def ward() -> Ward:
    """A furnished ward whose records are fakes."""
    return Ward(records=open_fake_records())
