"""What the tests of core share: where the real recordings are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.core.protocol import Protocol, parse_protocol

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def real_audio() -> Path:
    """Return the directory of real recordings, or skip: they are not part of the repository."""
    shared = Path(os.environ.get("SPIRA_SHARED", CHECKOUT.parent / "shared"))
    directory = shared / "audio"
    if not directory.is_dir():
        pytest.skip(f"no real recordings in {directory}")
    return directory


@pytest.fixture(scope="session")
def protocol_document() -> bytes:
    """Return the bytes of the protocol that is shipped."""
    return CHECKOUT.joinpath("appliance", "protocols", "spira-2022.1.json").read_bytes()


@pytest.fixture(scope="session")
def protocol(protocol_document: bytes) -> Protocol:
    """Return the protocol that is shipped."""
    return parse_protocol(protocol_document)
