"""What crashes left goes after a day; what a row names, or may name in a moment, stays."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from appliance.core.errors import DiskFull
from appliance.usecases.housekeeping import LEFT_BEHIND_AFTER_S, Swept, erase_unreferenced, sweep
from appliance.usecases.models import remove_version
from tests.builders import a_model, an_audit
from tests.bundle_builders import a_bundle, a_manifest, an_author
from tests.fakes_io import FakeAudioStore
from tests.usecases.shelf import Shelf
from tests.usecases.ward import Ward, a_voice

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


def test_a_recording_s_file_without_a_row_goes_after_a_day(ward: Ward) -> None:
    """What a row names stays however old it is, and so does what came today."""
    named = {ward.records.recordings.recording(i).sha256 for i in ward.recordings().values()}
    orphan = ward.audio.add(b"a kill came before the row")
    ward.audio.begin().crashed = True
    long_ago_s = time.time() - OLD_S
    for sha256 in (*named, orphan):
        ward.audio.files[sha256] = (ward.audio.files[sha256][0], long_ago_s)
    ward.audio.parts = {key: (part, long_ago_s) for key, (part, _) in ward.audio.parts.items()}
    young = ward.audio.add(b"its row is about to be written")
    ward.audio.begin().crashed = True
    shelf = Shelf(stick=Path("none"))

    done = sweep(
        audio=ward.audio,
        recordings=ward.records.recordings,
        bundles=shelf.bundles,
        models=shelf.records.models,
    )

    assert (done.n_parts, done.n_orphans) == (1, 1)
    assert set(ward.audio.hashes()) == {*named, young}
    assert len(ward.audio.parts) == 1


def test_a_clock_that_was_set_forward_ages_nothing(ward: Ward, shelf: Shelf) -> None:
    """An upload and an installation under way look ten years old, and are not."""
    ten_years_s = 10 * 365 * 86_400.0
    ward.audio.begin().crashed = True
    unnamed = ward.audio.add(b"its row is about to be written")
    long_ago_s = time.time() - ten_years_s
    ward.audio.parts = {key: (part, long_ago_s) for key, (part, _) in ward.audio.parts.items()}
    ward.audio.files[unnamed] = (ward.audio.files[unnamed][0], long_ago_s)
    digest = kill_between_files_and_row(shelf)
    shelf.bundles.age_s[digest] = ten_years_s

    for forward_s, n_swept in ((ten_years_s, 0), (0.0, 1)):
        done = sweep(
            audio=ward.audio,
            recordings=ward.records.recordings,
            bundles=shelf.bundles,
            models=shelf.records.models,
            forward_s=forward_s,
        )
        assert (done.n_parts, done.n_orphans, done.n_bundles) == (n_swept,) * 3


def test_a_file_that_another_row_names_is_not_erased(ward: Ward) -> None:
    """The same sound may have come under two ids."""
    first = ward.record("frase", a_voice())
    second = ward.record("frase", a_voice())
    sha256 = ward.records.recordings.recording(first).sha256
    for recording_id, kept in ((first, True), (second, False)):
        ward.records.recordings.erase_recording(recording_id, audit=an_audit())
        erase_unreferenced(sha256, audio=ward.audio, recordings=ward.records.recordings)
        assert (sha256 in ward.audio.files) is kept
