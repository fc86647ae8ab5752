"""The box of these tests, running, with one person of each kind."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from appliance.core.account import Role
from tests.web.boxes import Box, Person
from tests.web.scenes import Scene


@pytest.fixture
def box() -> Box:
    """A box with a protocol, a hospital and a ready model."""
    made = Box()
    made.furnish()
    return made


@pytest.fixture
def http(box: Box) -> Iterator[TestClient[Litestar]]:
    """A client of the running box that nobody signed in."""
    with box.serving() as client:
        yield client


@pytest.fixture
def nurse(box: Box, http: TestClient[Litestar]) -> Person:
    """A nurse of the hospital."""
    return box.add_person(http, "ana", Role.NURSE, box.hospital.id)


@pytest.fixture
def colleague(box: Box, http: TestClient[Litestar]) -> Person:
    """Another nurse of the same hospital."""
    return box.add_person(http, "bia", Role.NURSE, box.hospital.id)


@pytest.fixture
def stranger(box: Box, http: TestClient[Litestar]) -> Person:
    """A nurse of no hospital."""
    return box.add_person(http, "eva", Role.NURSE)


@pytest.fixture
def researcher(box: Box, http: TestClient[Litestar]) -> Person:
    """A researcher."""
    return box.add_person(http, "rui", Role.RESEARCHER)


@pytest.fixture
def admin(box: Box, http: TestClient[Litestar]) -> Person:
    """An admin."""
    return box.add_person(http, "adm", Role.ADMIN)


@pytest.fixture
def scene(
    box: Box,
    http: TestClient[Litestar],
    nurse: Person,
    colleague: Person,
    stranger: Person,
    researcher: Person,
    admin: Person,
) -> Scene:
    """A scored inference of the nurse, and all who may ask for it."""
    box.readiness.begun.set()
    box.readiness.models_loaded.set()
    answer = nurse.post_2022()
    assert answer.status_code == httpx.codes.OK, answer.text
    box.answer_all()
    people = {
        "owner": nurse,
        "colleague": colleague,
        "stranger": stranger,
        "researcher": researcher,
        "admin": admin,
    }
    return Scene(box, http, people, answer.json()["inference_id"])
