"""What crashes left goes after a day; what a row names, or may name in a moment, stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.errors import DiskFull
from appliance.usecases.housekeeping import LEFT_BEHIND_AFTER_S, Swept, sweep
from appliance.usecases.models import remove_version
from tests.builders import a_model, an_audit
from tests.bundle_builders import a_bundle, a_manifest, an_author
from tests.fakes_io import FakeAudioStore
from tests.usecases.shelf import Shelf

OLD_S = LEFT_BEHIND_AFTER_S + 1


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """A shelf without models."""
    return Shelf(stick=tmp_path / "stick.spira")


def swept(shelf: Shelf) -> Swept:
    """Sweep the shelf's bundles, and no recordings."""
    return sweep(
        audio=FakeAudioStore(),
        recordings=shelf.records.recordings,
        bundles=shelf.bundles,
        models=shelf.records.models,
    )


def kill_between_files_and_row(shelf: Shelf) -> str:
    """Install a bundle but for its row; return its digest."""
    shelf.records.models.add_model(
        a_model(name="loudness", publishing_channel="loudness-topic"), audit=an_audit()
    )
    shelf.records.audit.fault = DiskFull()
    with pytest.raises(DiskFull):
        shelf.install()
    shelf.records.audit.fault = None
    (digest,) = shelf.bundles.installed()
    return digest


def test_a_bundle_without_a_row_goes_after_a_day(shelf: Shelf) -> None:
    """Before that its row may be about to be written."""
    digest = kill_between_files_and_row(shelf)
    assert swept(shelf).n_bundles == 0
    assert shelf.bundles.installed() == {digest}

    shelf.bundles.age_s[digest] = OLD_S

    assert swept(shelf).n_bundles == 1
    assert shelf.bundles.installed() == frozenset()


def test_an_installed_version_stays_however_old_it_is(shelf: Shelf) -> None:
    """Active or not."""
    version, _ = shelf.install()
    shelf.bundles.age_s[version.digest] = OLD_S
    assert swept(shelf).n_bundles == 0
    assert shelf.bundles.installed() == {version.digest}


def test_the_files_of_a_removed_version_go(shelf: Shelf) -> None:
    """A kill between its row and its files left them."""
    version, _ = shelf.install()
    files = dict(shelf.bundles.kept)
    remove_version(version, actor="it", room=shelf.room())
    shelf.bundles.kept.update(files)
    shelf.bundles.age_s[version.digest] = OLD_S

    assert swept(shelf).n_bundles == 1
    assert shelf.bundles.installed() == frozenset()


def test_what_is_staged_goes_after_a_day(shelf: Shelf) -> None:
    """An installation that still runs is younger."""
    shelf.stick.write_bytes(a_bundle(a_manifest()))
    for age_s in (OLD_S, 0.0):
        staged = shelf.bundles.stage(
            shelf.stick, trusted=[an_author().trusted()], never_to_model=()
        )
        shelf.bundles.staged[staged.token] = (shelf.bundles.staged[staged.token][0], age_s)

    assert swept(shelf).n_staged == 1
    assert len(shelf.bundles.staged) == 1
