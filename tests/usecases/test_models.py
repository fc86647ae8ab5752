"""Which sessions are kept: those that serve patients, or that somebody still waits for."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.ids import ModelVersionId
from appliance.core.model import ModelVersion, VersionState
from appliance.usecases.models import unload_unneeded
from tests.builders import (
    a_model,
    a_model_version,
    a_result,
    an_answer,
    an_audit,
    an_inference,
    later,
)
from tests.usecases.shelf import Shelf

OLD = a_model_version()
NEW = a_model_version(id=ModelVersionId("version-2"), version="2.0.0", sequence=2)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """A shelf where version 1 served, and version 2 is about to; both are loaded."""
    shelf = Shelf(stick=tmp_path / "stick.spira")
    shelf.records.models.add_model(a_model(), audit=an_audit())
    for version in (OLD, NEW):
        shelf.records.models.add_version(version, audit=an_audit())
        shelf.predictor.sessions.add(version.graph_sha256)
    activate(shelf, OLD)
    return shelf


def activate(shelf: Shelf, version: ModelVersion) -> None:
    """Make a version the active one."""
    shelf.records.models.activate(version.id, default=True, audit=an_audit())


def test_only_the_active_version_stays_loaded(shelf: Shelf) -> None:
    """After a switch and after the way back."""
    activate(shelf, NEW)
    assert unload_unneeded(room=shelf.room()) == 1
    assert shelf.predictor.loaded() == {NEW.graph_sha256}
    assert unload_unneeded(room=shelf.room()) == 0
    shelf.predictor.sessions.add(OLD.graph_sha256)
    activate(shelf, OLD)
    unload_unneeded(room=shelf.room())
    assert shelf.predictor.loaded() == {OLD.graph_sha256}


def test_a_shadow_stays_loaded(shelf: Shelf) -> None:
    """It answers every inference, too."""
    shelf.records.models.set_state(NEW.id, VersionState.SHADOW, audit=an_audit())
    assert unload_unneeded(room=shelf.room()) == 0


def test_a_version_stays_loaded_while_results_wait_for_it(shelf: Shelf) -> None:
    """An inference keeps the version it was accepted for, and its session."""
    waiting = a_result()
    shelf.records.jobs.add(waiting)
    activate(shelf, NEW)
    assert unload_unneeded(room=shelf.room()) == 0
    shelf.records.jobs.claim(waiting.id, owner="me", now=later(0), lease_until=later(9))
    assert unload_unneeded(room=shelf.room()) == 0
    assert shelf.predictor.loaded() == {OLD.graph_sha256, NEW.graph_sha256}


def test_a_version_is_unloaded_when_its_last_result_is_there(shelf: Shelf) -> None:
    """The next look finds nobody waiting."""
    waiting = a_result()
    shelf.records.inferences.add_inference(an_inference(), [waiting], audit=an_audit())
    activate(shelf, NEW)
    shelf.records.jobs.claim(waiting.id, owner="me", now=later(0), lease_until=later(9))
    assert unload_unneeded(room=shelf.room()) == 0
    shelf.records.jobs.complete(waiting.id, an_answer(), owner="me", at=later(1), audit=an_audit())
    assert unload_unneeded(room=shelf.room()) == 1
    assert shelf.predictor.loaded() == {NEW.graph_sha256}
