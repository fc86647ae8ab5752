"""Each contract is run by the fake and by the real records."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.adapters.sqlite_records import open_records
from tests.contracts.records import Records, furnish
from tests.fakes import open_fake_records


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with an empty and a furnished database, made once and copied."""
    directory = tmp_path_factory.mktemp("templates")
    for name in ("empty.db", "furnished.db"):
        opened = open_records(directory / name)
        if name == "furnished.db":
            furnish(opened)
        opened.close()
    return directory


@pytest.fixture(params=["fake", "sqlite"])
def records(request: pytest.FixtureRequest, templates: Path, tmp_path: Path) -> Iterator[Records]:
    """Empty records; where the test asks for `furnished`, these are what it gets."""
    furnished = "furnished" in request.fixturenames
    if request.param == "fake":
        fake = open_fake_records()
        if furnished:
            furnish(fake)
        yield fake
        return
    path = tmp_path / "records.db"
    shutil.copy(templates / ("furnished.db" if furnished else "empty.db"), path)
    opened = open_records(path)
    yield opened
    assert opened.integrity_problems() == ()
    opened.close()


@pytest.fixture
def furnished(records: Records) -> Records:
    """Records with a user, a hospital, a protocol and an active model."""
    return records
