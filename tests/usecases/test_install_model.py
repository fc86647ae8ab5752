"""A bundle is installed whole or not at all, and is the same version each time it comes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest

from appliance.core.audit import AuditAction
from appliance.core.errors import (
    ApplianceError,
    BundleConflict,
    BundleOutdated,
    BundleUntrusted,
    DiskFull,
    FileMissing,
    GoldenMismatch,
    GraphRefused,
    ModelNotFound,
    NameTaken,
    VersionPending,
)
from appliance.core.model import Model, VersionState
from appliance.ports import Stored
from appliance.usecases.install_model import install_bundle
from appliance.usecases.models import activate_version, remove_version
from tests.builders import a_model, a_model_version, an_audit
from tests.bundle_builders import an_author
from tests.fakes_models import FakeBundleStore
from tests.fakes_versions import FakeModels
from tests.usecases.shelf import Shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """A shelf without models."""
    return Shelf(stick=tmp_path / "stick.spira")


def nothing_came_of(shelf: Shelf, expected: type[ApplianceError], **changes: object) -> None:
    """Hold that an installation is refused and leaves versions, bundles and sessions as before."""
    before = (shelf.records.models.versions(), dict(shelf.bundles.kept), shelf.predictor.loaded())
    with pytest.raises(expected):
        shelf.install(**changes)  # type: ignore[arg-type]
    after = (shelf.records.models.versions(), dict(shelf.bundles.kept), shelf.predictor.loaded())
    assert after == before
    assert shelf.bundles.staged == {}


def test_a_first_bundle_makes_its_model_known(shelf: Shelf) -> None:
    """It is installed and audited under its id; nothing is active or loaded by it."""
    version, stored = shelf.install()

    assert stored is Stored.NEW
    assert shelf.records.models.version(version.id) == version
    assert version.state is VersionState.INSTALLED
    assert shelf.bundles.installed() == {version.digest}
    assert (shelf.bundles.staged, shelf.predictor.loaded()) == ({}, frozenset())
    (entry,) = shelf.audited(AuditAction.MODEL_INSTALLED)
    assert (entry.entity_id, entry.actor) == (version.id, "it")


def test_the_same_again_changes_nothing(shelf: Shelf) -> None:
    """The answer is the version that is here, under its own id."""
    first, _ = shelf.install()
    n_audited = len(shelf.records.audit.stored)

    assert shelf.install() == (first, Stored.SAME)
    assert len(shelf.records.audit.stored) == n_audited


def test_a_removed_version_comes_back_as_itself(shelf: Shelf) -> None:
    """Under the id it had, which the audit names, so that it can be activated."""
    first, _ = shelf.install()
    remove_version(first, actor="it", room=shelf.room())

    again, stored = shelf.install()

    assert (again.id, again.state, stored) == (first.id, VersionState.INSTALLED, Stored.NEW)
    installed = shelf.audited(AuditAction.MODEL_INSTALLED)
    assert [entry.entity_id for entry in installed] == [first.id, first.id]
    active = activate_version(again, default=False, actor="it", room=shelf.room())
    assert active.state is VersionState.ACTIVE


def test_an_older_bundle_is_refused(shelf: Shelf) -> None:
    """Also one that was here and was removed: nothing of it is left on disk."""
    first, _ = shelf.install("1.0.0")
    shelf.install("3.0.0")
    nothing_came_of(shelf, BundleOutdated, version="2.0.0")
    remove_version(first, actor="it", room=shelf.room())
    nothing_came_of(shelf, BundleOutdated, version="1.0.0")


def test_a_version_never_gets_other_content(shelf: Shelf) -> None:
    """Not even with a higher sequence."""
    shelf.install("1.0.0")
    nothing_came_of(shelf, BundleConflict, version="1.0.0", limits="Others.", sequence=9)


def test_a_model_that_answers_otherwise_here_is_refused(shelf: Shelf) -> None:
    """Its golden results are repeated before anything is kept."""
    shelf.predictor.answer = lambda _inputs: 0.5
    nothing_came_of(shelf, GoldenMismatch)


def test_a_model_for_another_runtime_is_refused(shelf: Shelf) -> None:
    """The manifest says what it was made for."""
    shelf.predictor.version = "3.0.0"
    nothing_came_of(shelf, GraphRefused)


def test_a_strangers_bundle_is_refused(shelf: Shelf) -> None:
    """Its author's key is not among the trusted ones."""
    nothing_came_of(shelf, BundleUntrusted, author=an_author("stranger"))


def test_a_stick_that_is_not_there_is_named(shelf: Shelf) -> None:
    """The path is wrong, or the stick was pulled."""
    with pytest.raises(FileMissing):
        install_bundle(shelf.stick, actor="it", room=shelf.room())


def test_a_kill_between_the_files_and_the_row_is_mended_by_installing_again(shelf: Shelf) -> None:
    """Files that no row names are no version; the next try makes them one."""
    shelf.records.models.add_model(
        a_model(name="loudness", publishing_channel="loudness-topic"), audit=an_audit()
    )
    shelf.records.audit.fault = DiskFull()
    with pytest.raises(DiskFull):
        shelf.install()
    assert len(shelf.bundles.installed()) == 1
    assert shelf.records.models.versions() == ()

    shelf.records.audit.fault = None
    version, stored = shelf.install()

    assert stored is Stored.NEW
    assert shelf.bundles.installed() == {version.digest}


def test_a_loaded_graph_stays_loaded(shelf: Shelf) -> None:
    """Another version of the same graph is tested on the session that serves patients."""
    first, _ = shelf.install("1.0.0")
    activate_version(first, default=True, actor="it", room=shelf.room())
    shelf.install("2.0.0")
    assert shelf.predictor.loaded() == {first.graph_sha256}


class Overtaken(FakeModels):
    """Models among which another installation puts its own, the moment a first look is over."""

    def __init__(self, shelf: Shelf, other: Model) -> None:
        """Begin without models; `other` comes after the first look."""
        super().__init__(shelf.records.audit, shelf.records.jobs)
        self._other: Model | None = other

    def models(self) -> tuple[Model, ...]:
        """Return what is here before the other one comes."""
        seen = super().models()
        other, self._other = self._other, None
        if other is not None:
            self.add_model(other, audit=an_audit())
        return seen


def test_two_first_installations_at_once_make_one_model(shelf: Shelf) -> None:
    """Whoever comes second installs under the model that the first made known."""
    other = a_model(name="loudness", publishing_channel="loudness-topic")
    shelf.models = Overtaken(shelf, other)

    version, stored = shelf.install()

    assert (version.model_id, stored) == (other.id, Stored.NEW)


def test_a_channel_that_another_model_has_is_taken(shelf: Shelf) -> None:
    """That is no race, and is said."""
    shelf.records.models.add_model(
        a_model(name="Other", publishing_channel="loudness-topic"), audit=an_audit()
    )
    with pytest.raises(NameTaken):
        shelf.install()


def test_a_removed_version_leaves_its_row(shelf: Shelf) -> None:
    """The files go, what it said stays; the audit names it."""
    version, _ = shelf.install()
    remove_version(version, actor="it", room=shelf.room())

    assert shelf.records.models.version(version.id).state is VersionState.REMOVED
    assert shelf.bundles.installed() == frozenset()
    (entry,) = shelf.audited(AuditAction.MODEL_REMOVED)
    assert entry.entity_id == version.id


def test_an_active_version_is_not_removed(shelf: Shelf) -> None:
    """Its files stay, too."""
    version, _ = shelf.install()
    activate_version(version, default=True, actor="it", room=shelf.room())
    with pytest.raises(VersionPending):
        remove_version(version, actor="it", room=shelf.room())
    assert shelf.bundles.installed() == {version.digest}


def test_an_unknown_version_is_not_removed(shelf: Shelf) -> None:
    """A version of another box."""
    with pytest.raises(ModelNotFound):
        remove_version(a_model_version(), actor="it", room=shelf.room())


@dataclass
class SlowToRemove(FakeBundleStore):
    """Bundles of a disk so slow that another process may get in between."""

    meanwhile: Callable[[], object] = str

    def remove(self, digest: str, *, older_than_s: float = -math.inf) -> None:
        """Let the other one work as far as it gets, then remove."""
        other = Thread(target=self.meanwhile)
        other.start()
        other.join(timeout=0.5)
        super().remove(digest, older_than_s=older_than_s)


def test_what_is_brought_back_while_it_is_taken_away_is_whole(tmp_path: Path) -> None:
    """Its row would say installed, and its files would be gone."""
    bundles = SlowToRemove()
    shelf = Shelf(stick=tmp_path / "stick.spira", bundles=bundles)
    version, _ = shelf.install()
    bundles.meanwhile = shelf.install

    remove_version(version, actor="it", room=shelf.room())

    deadline = time.monotonic() + 5
    while shelf.records.models.version(version.id).state is VersionState.REMOVED:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert shelf.bundles.installed() == {version.digest}
