"""The faulty disk under single adapters: what only a real failing call can show."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.adapters.bundle_files import BundleFiles
from appliance.adapters.ed25519_signatures import verify
from appliance.adapters.sqlite_records import open_records
from appliance.core.bundle import StagedBundle
from appliance.core.errors import StorageFailed
from tests.bundle_builders import a_bundle, an_author
from tests.torture.mounts import Mount, mounted


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """A faulty disk."""
    with mounted(tmp_path) as mount:
        yield mount


def _staged(store: BundleFiles, directory: Path) -> StagedBundle:
    stick = directory / "stick.spira"
    stick.write_bytes(a_bundle())
    trusted = (an_author().trusted(),)
    return store.stage(stick, trusted=trusted, never_to_model=frozenset())


def test_bundles_are_not_acknowledged_after_a_failed_fsync(mount: Mount, tmp_path: Path) -> None:
    """The process is told once, and no later fsync makes up for the one that failed."""
    mount.plan(under="/data")
    store = BundleFiles(mount.at / "data/bundles", mount.at / "data/staging", verify=verify)
    store.install(_staged(store, tmp_path))
    n_syncs = Counter(mount.seen()["seen"])["fsync"]
    assert n_syncs > 0
    for nth in range(1, n_syncs + 1):
        shutil.rmtree(mount.at / "data")
        mount.plan(under="/data", kind="fsync", nth=nth)
        told: list[StorageFailed] = []
        store = BundleFiles(
            mount.at / "data/bundles",
            mount.at / "data/staging",
            verify=verify,
            on_failure=told.append,
        )
        for _attempt in range(2):
            staged = _staged(store, tmp_path)
            with pytest.raises(StorageFailed):
                store.install(staged)
        assert len(told) == 1
        assert mount.seen()["seen"]["fsync"] == nth


def test_a_log_whose_name_is_not_durable_is_a_failed_disk(mount: Mount) -> None:
    """SQLite goes on when the directory of its new log cannot be synced; the box does not."""
    path = mount.at / "records.db"
    open_records(path).close()
    mount.plan()
    open_records(path).close()
    n_syncs = Counter(mount.seen()["seen"])["fsync"]
    n_failed = 0
    for nth in range(1, n_syncs + 1):
        mount.plan(kind="fsync", nth=nth)
        try:
            open_records(path).close()
        except StorageFailed:
            n_failed += 1
    assert n_failed >= 1
