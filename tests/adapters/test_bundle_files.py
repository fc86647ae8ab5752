"""Bundles on a real disk: tampering, hostile archives, pulled sticks, kills, races."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import random
import resource
import signal
import stat
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from appliance.adapters.bundle_files import BundleFiles
from appliance.adapters.bundle_files.checks import Verify
from appliance.adapters.bundle_files.disk import pieces_of, writing
from appliance.adapters.ed25519_signatures import verify
from appliance.core.bundle import StagedBundle
from appliance.core.container import write_container
from appliance.core.errors import (
    ApplianceError,
    BundleRefused,
    BundleUntrusted,
    DiskFull,
    FileMissing,
    StorageFailed,
)
from appliance.core.manifest_encoding import encode_manifest
from appliance.core.manifest_json import MAX_TOTAL_BYTES
from tests.bundle_builders import a_bundle, a_manifest, an_author, graph_bytes

SEED = 20_260_301
N_FLIPS = 400
DIGEST = hashlib.sha256(encode_manifest(a_manifest())).hexdigest()


class Box:
    """A store in a data directory, and a stick beside it."""

    def __init__(
        self, directory: Path, *, max_bytes: int = MAX_TOTAL_BYTES, check: Verify = verify
    ) -> None:
        """Make both."""
        self.outside = directory
        self.data = directory / "data"
        self.stick = directory / "stick.spira"
        self.store = BundleFiles(
            self.data / "bundles", self.data / "staging", verify=check, max_bytes=max_bytes
        )

    def stage(self, bundle: bytes | None = None) -> StagedBundle:
        """Stage what the stick holds, after writing the bundle to it."""
        if bundle is not None:
            self.stick.write_bytes(bundle)
        return self.store.stage(
            self.stick, trusted=(an_author().trusted(),), never_to_model=frozenset()
        )

    def files(self) -> list[str]:
        """Return everything there is, in and around the data directory, but the stick."""
        paths = (path.relative_to(self.outside) for path in self.outside.rglob("*"))
        return sorted(str(path) for path in paths if path.name != self.stick.name)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """An empty box."""
    return Box(tmp_path)


EMPTY = ["data", "data/bundles", "data/staging"]


def test_every_flipped_byte_is_refused(box: Box) -> None:
    """Wherever it is, in headers, manifest, signature or files; and nothing is left of it."""
    bundle = a_bundle()
    source = random.Random(SEED)  # noqa: S311 - where to flip, not a secret
    for _ in range(N_FLIPS):
        at, bits = source.randrange(len(bundle)), source.randrange(1, 256)
        flipped = bytearray(bundle)
        flipped[at] ^= bits
        with pytest.raises(ApplianceError) as refused:
            box.stage(bytes(flipped))
        assert refused.value.code in {"bundle-refused", "bundle-untrusted"}, (at, bits)
    assert box.files() == EMPTY


def test_every_truncation_is_refused(box: Box) -> None:
    """At every hundredth, and at the last bytes."""
    bundle = a_bundle()
    ends = {len(bundle) * part // 100 for part in range(100)} | {len(bundle) - 1, len(bundle) - 22}
    for end in sorted(ends):
        with pytest.raises(BundleRefused):
            box.stage(bundle[:end])
    assert box.files() == EMPTY


def test_a_flipped_byte_within_packed_files_is_refused_or_harmless(box: Box) -> None:
    """In a packed stream some bits mean nothing; what is staged is what was signed all the same."""
    bundle = a_bundle(deflate=True)
    source = random.Random(SEED)  # noqa: S311 - where to flip, not a secret
    for _ in range(100):
        flipped = bytearray(bundle)
        flipped[source.randrange(len(bundle))] ^= source.randrange(1, 256)
        with contextlib.suppress(ApplianceError):
            assert box.store.staged_contents(box.stage(bytes(flipped))).graph == graph_bytes()


ESCAPED = "/tmp/escaped-from-staging"  # noqa: S108 - must never be there


@pytest.mark.parametrize("name", ["../../escaped", ESCAPED, "a/../../escaped"])
def test_nothing_is_written_outside_staging(box: Box, name: str) -> None:
    """A name that leads elsewhere is refused before anything is unpacked."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for entry in zipfile.ZipFile(io.BytesIO(a_bundle())).infolist():
            archive.writestr(entry, b"")
        archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), b"x")
    with pytest.raises(BundleRefused):
        box.stage(made.getvalue())
    assert box.files() == EMPTY
    assert not Path(ESCAPED).exists()


@pytest.mark.parametrize(
    "files",
    [
        [],
        [("manifest.json", b"{}")],
        [("manifest.sig", bytes(64)), ("manifest.json", b"{}")],
        [("model.onnx", b"x"), ("manifest.json", b"{}"), ("manifest.sig", bytes(64))],
        [("manifest.json", b"{}"), ("manifest.sig", bytes(65))],
        [("manifest.json", bytes(1024 * 1024 + 1)), ("manifest.sig", bytes(64))],
    ],
)
def test_a_signed_manifest_comes_first(box: Box, files: list[tuple[str, bytes]]) -> None:
    """Both short and in front: nothing long is unpacked before the signature holds."""
    with pytest.raises(BundleUntrusted) as refused:
        box.stage(write_container(files))
    assert refused.value.details["reason"] == "signature"
    assert box.files() == EMPTY


def test_nothing_is_verified_that_is_too_long(tmp_path: Path) -> None:
    """The check of signatures never sees a manifest or signature beyond its limit."""

    def anybody(_key: bytes, content: bytes, signature: bytes) -> bool:
        assert len(content) <= 1024 * 1024
        assert len(signature) <= 64
        return True

    box = Box(tmp_path, check=anybody)
    for files in (
        [("manifest.json", b"{}"), ("manifest.sig", bytes(65))],
        [("manifest.json", bytes(1024 * 1024 + 1)), ("manifest.sig", bytes(64))],
        [("card.md", b"{}"), ("model.onnx", bytes(64))],
    ):
        with pytest.raises(BundleUntrusted):
            box.stage(write_container(files))


def test_thousands_of_entries_are_refused_at_once(box: Box) -> None:
    """By their number alone, whatever the archive weighs."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for number in range(20_000):
            archive.writestr(zipfile.ZipInfo(f"f{number}"), b"")
    began_at = time.monotonic()
    with pytest.raises(BundleRefused) as refused:
        box.stage(made.getvalue())
    assert refused.value.details["reason"] == "container-limits"
    assert time.monotonic() - began_at < 1


def test_a_sparse_giant_is_not_even_begun(box: Box) -> None:
    """It costs a stick nothing; copied up to the limit it would cost the data disk 2 GiB."""
    with box.stick.open("wb") as file:
        file.truncate(1 << 40)
    began_at = time.monotonic()
    with pytest.raises(BundleRefused) as refused:
        box.stage()
    assert refused.value.details["reason"] == "container-limits"
    assert time.monotonic() - began_at < 1
    assert box.files() == EMPTY


def test_a_file_that_grows_without_end_is_given_up(tmp_path: Path) -> None:
    """What a file claims at first is not believed either."""
    stick = tmp_path / "stick"
    stick.write_bytes(b"x")
    pieces = pieces_of(stick, max_bytes=10)
    assert next(pieces) == b"x"
    with stick.open("ab") as file:
        file.write(b"y" * 10)
    with pytest.raises(BundleRefused):
        next(pieces)


def test_a_stick_pulled_while_reading(box: Box) -> None:
    """An error of the source is told as such, leaves nothing, and may be tried again."""
    # Linux opens this regular file gladly and answers EIO to reading its first page.
    box.stick.symlink_to("/proc/self/mem")
    with pytest.raises(FileMissing) as missing:
        box.stage()
    assert missing.value.details["errno"] == errno.EIO
    assert box.files() == EMPTY
    box.stick.unlink()
    box.store.install(box.stage(a_bundle()))
    assert box.store.installed() == {DIGEST}


def test_what_is_no_regular_file_is_not_waited_for(box: Box) -> None:
    """A pipe without a writer would block for ever."""
    os.mkfifo(box.stick)
    with pytest.raises(FileMissing):
        box.stage()


@contextlib.contextmanager
def files_limited_to(n_bytes: int) -> Iterator[None]:
    """Let every write beyond so many bytes of a file fail (EFBIG)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def test_a_disk_that_refuses_a_write_leaves_nothing(box: Box) -> None:
    """Half a copy is removed; the same bundle is taken when the disk writes again."""
    bundle = a_bundle()
    box.stick.write_bytes(bundle)
    with files_limited_to(len(bundle) // 2), pytest.raises(StorageFailed):
        box.stage()
    assert box.files() == EMPTY
    assert box.stage().digest == DIGEST


def test_the_disks_errors_have_names() -> None:
    """Full is full, by space or by quota; everything else is a failed disk."""
    for number in (errno.ENOSPC, errno.EDQUOT):
        with pytest.raises(DiskFull), writing():
            raise OSError(number, "full")
    with pytest.raises(StorageFailed), writing():
        raise OSError(errno.EIO, "broken")


def test_what_is_installed_is_nobody_elses_business(box: Box) -> None:
    """Directories are the owner's alone, files are read-only, and all are plain files."""
    box.store.install(box.stage(a_bundle()))
    for path in (box.data / "bundles" / DIGEST).rglob("*"):
        mode = path.lstat().st_mode
        assert stat.S_IMODE(mode) == (0o700 if path.is_dir() else 0o400)
        assert path.is_dir() or stat.S_ISREG(mode)
    assert list((box.data / "staging").iterdir()) == []


def test_two_installers_at_once(box: Box) -> None:
    """All come to the same end, without leavings."""
    staged = [box.stage(a_bundle()) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(box.store.install, staged))
    assert box.store.installed() == {DIGEST}
    assert box.store.contents(DIGEST).graph == graph_bytes()
    assert list((box.data / "staging").iterdir()) == []


# Libraries of other tests may have threads; the child calls nothing that could wait for them.
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_killed_install_is_whole_or_nothing(box: Box) -> None:
    """`kill -9` at random moments: no half bundle, and the next try succeeds."""
    box.stick.write_bytes(a_bundle())
    source = random.Random(SEED)  # noqa: S311 - when to kill, not a secret
    n_installed = 0
    for _ in range(25):
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                box.store.install(box.stage())
            os._exit(0)
        time.sleep(source.uniform(0.0, 0.012))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        if box.store.installed():
            n_installed += 1
            assert box.store.contents(DIGEST).graph == graph_bytes()
            box.store.remove(DIGEST)
    assert n_installed < 25, "every install ended before its kill"
    box.store.sweep(older_than_s=0)
    assert box.files() == EMPTY
    box.store.install(box.stage())
    assert box.store.contents(DIGEST).graph == graph_bytes()


def test_foreign_files_in_the_directory_are_left_alone(box: Box) -> None:
    """What is not named by a digest is no bundle."""
    (box.data / "bundles" / "lost+found").mkdir()
    assert box.store.installed() == frozenset()
