"""Where bundles are: staging for what is being checked, one directory each for the installed."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import math
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from appliance.adapters.bundle_files.checks import (
    Believed,
    Verify,
    is_signed,
    read_file,
    read_installed,
    read_manifest,
    unpack,
)
from appliance.adapters.bundle_files.disk import (
    pieces_of,
    sync_directory,
    sync_tree,
    write_new,
    writing,
)
from appliance.core.bundle import BundleContents, StagedBundle
from appliance.core.errors import ModelUnavailable, StorageFailed
from appliance.core.manifest import CARD_NAME, GRAPH_NAME
from appliance.core.manifest_json import MAX_TOTAL_BYTES
from appliance.core.signing_key import TrustedKey
from appliance.ports import DiskSpace

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_COPY: Final = "bundle.spira"
_TREE: Final = "tree"
_REPLACED: Final = "replaced"
_TAKEN: Final = frozenset({errno.EEXIST, errno.ENOTEMPTY})
_DISK_FAILED: Final = frozenset({errno.EIO, errno.EUCLEAN, errno.EROFS, errno.ENXIO, errno.ENODEV})
"""Others mean that another process was there first, or that the system is short of something."""


class BundleFiles:
    """Fills the port BundleStore for any thread and any number of processes.

    What is on a stick is read once, from start to end, and never again: the copy is what is
    checked. Installed bundles are never written to.
    """

    def __init__(
        self,
        root: Path,
        staging: Path,
        *,
        verify: Verify,
        now_s: Callable[[], float] = time.time,
        max_bytes: int = MAX_TOTAL_BYTES,
        on_failure: Callable[[StorageFailed], None] | None = None,
        space: DiskSpace | None = None,
    ) -> None:
        """Use these directories, making them where they are missing.

        Args:
            root: holds one directory a bundle, named by digest.
            staging: on the same filesystem; all that happens before installation stays in it.
            verify: checks a signature.
            now_s: the present in seconds of the epoch, as the filesystem counts.
            max_bytes: a longer file is given up while it is copied.
            on_failure: called once when the disk fails; must neither block nor write.
            space: is asked while it is copied; None where there is nothing to keep free.
        """
        self._on_failure = on_failure
        self._failed = False
        self._max_bytes = max_bytes
        self._space = space
        self._now_s = now_s
        self._root = root
        self._staging = staging
        self._verify = verify
        with writing():
            for directory in (root, staging):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def stage(
        self, source: Path, *, trusted: Sequence[TrustedKey], never_to_model: Collection[str]
    ) -> StagedBundle:
        """Copy a bundle to staging and check it whole, in the order of BUNDLE.md.

        A refusal leaves nothing behind, not even in staging.

        Args:
            source: the file, for example on a stick.
            trusted: the keys this box believes now.
            never_to_model: fields its protocols keep from models.

        Raises:
            FileMissing: the source cannot be read, or stopped being readable.
            BundleUntrusted: `signature`, or `key-scope` for a demonstration key under a
                bundle that is not for demonstration.
            BundleRefused, GraphRefused: with the reason.
        """
        believed = Believed(keys=trusted, never_to_model=never_to_model, verify=self._verify)
        work = self._new_work()
        try:
            pieces = pieces_of(source, max_bytes=self._max_bytes)
            write_new(work / _COPY, self._admitted(pieces))
            authentic = unpack(work / _COPY, work / _TREE, believed)
            with writing():
                (work / _COPY).unlink()
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        return StagedBundle(
            token=work.name,
            digest=hashlib.sha256(authentic.manifest_bytes).hexdigest(),
            manifest=authentic.manifest,
            manifest_bytes=authentic.manifest_bytes,
            key_fingerprint=authentic.key_fingerprint,
        )

    def _admitted(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the pieces as long as there is room for what can come later."""
        for piece in pieces:
            if self._space is not None:
                self._space.admit(growing=True)
            yield piece

    def staged_contents(self, staged: StagedBundle) -> BundleContents:
        """Return what a staged bundle holds. Raises ModelUnavailable if it is gone or changed."""
        return read_installed(self._staging / staged.token / _TREE, staged.digest)

    def install(self, staged: StagedBundle) -> None:
        """Make it durable under its digest; what is there and whole already stays.

        After a crash the bundle is installed whole or not at all. A damaged one is replaced.

        Raises:
            ModelUnavailable: it is not in staging any more.
        """
        work = self._staging / staged.token
        if not (work / _TREE).is_dir():
            raise ModelUnavailable(digest=staged.digest, reason="not-staged")
        target = self._root / staged.digest
        with self._durably():
            sync_tree(work / _TREE)
            if target.exists() and not _is_whole(target, staged.digest):
                target.rename(work / _REPLACED)
            if not _rename_unless_taken(work / _TREE, target) and not _made_young(target):
                # It was removed between the two.
                _rename_unless_taken(work / _TREE, target)
            sync_directory(self._root)
        self.discard(staged)

    def discard(self, staged: StagedBundle) -> None:
        """Remove it from staging; one that is gone is no error."""
        shutil.rmtree(self._staging / staged.token, ignore_errors=True)

    def contents(self, digest: str) -> BundleContents:
        """Return what an installed bundle holds, every hash checked. Raises ModelUnavailable."""
        return read_installed(self._directory(digest), digest)

    def is_signed(self, digest: str, trusted: Sequence[TrustedKey]) -> bool:
        """Return whether it carries a signature by one of these keys. Raises ModelUnavailable."""
        return is_signed(self._directory(digest), trusted, self._verify)

    def graph(self, digest: str) -> bytes:
        """Return the graph of an installed bundle, hash checked. Raises ModelUnavailable."""
        directory = self._directory(digest)
        return read_file(directory, GRAPH_NAME, read_manifest(directory, digest))

    def card(self, digest: str) -> str:
        """Return the card of an installed bundle, hash checked. Raises ModelUnavailable."""
        directory = self._directory(digest)
        return read_file(directory, CARD_NAME, read_manifest(directory, digest)).decode()

    def installed(self, *, older_than_s: float = -math.inf) -> frozenset[str]:
        """Return the digests of the bundles installed at least so long ago, whole or not."""
        before = self._now_s() - older_than_s
        with writing():
            paths = [path for path in self._root.iterdir() if _DIGEST.fullmatch(path.name)]
            return frozenset(path.name for path in paths if _changed_at(path) <= before)

    @contextmanager
    def one_at_a_time(self) -> Iterator[None]:
        """Keep all others waiting, threads too: each opens the directory for itself."""
        with writing():
            handle = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def remove(self, digest: str, *, older_than_s: float = -math.inf) -> None:
        """Remove a bundle installed at least so long ago; one that is not here is no error.

        Its age is asked once more when it is out of reach: whoever installs it meanwhile has
        either made it young, and it goes back, or finds its place free.
        """
        if digest not in self.installed(older_than_s=older_than_s):
            return
        work = self._new_work()
        taken = work / _REPLACED
        with self._durably():
            (self._root / digest).rename(taken)
            if _changed_at(taken) > self._now_s() - older_than_s:
                _rename_unless_taken(taken, self._root / digest)
            sync_directory(self._root)
        shutil.rmtree(work, ignore_errors=True)

    def n_left_behind(self, *, older_than_s: float) -> int:
        """Return how many directories crashes left in staging."""
        return len(self._left_behind(older_than_s))

    def sweep(self, *, older_than_s: float) -> int:
        """Remove what crashes left in staging; return how many directories that were."""
        stale = self._left_behind(older_than_s)
        for path in stale:
            shutil.rmtree(path, ignore_errors=True)
        return len(stale)

    def refuse_writes(self) -> None:
        """Acknowledge nothing any more: the disk failed, here or for another store."""
        self._failed = True

    @contextmanager
    def _durably(self) -> Iterator[None]:
        """Let nothing be acknowledged after a failure. Raises DiskFull, StorageFailed."""
        if self._failed:
            raise StorageFailed("The disk failed before; nothing more is acknowledged.")
        try:
            with writing():
                yield
        except StorageFailed as failure:
            if failure.details.get("errno") in _DISK_FAILED:
                self._failed = True
                if self._on_failure is not None:
                    self._on_failure(failure)
            raise

    def _left_behind(self, older_than_s: float) -> list[Path]:
        before = self._now_s() - older_than_s
        with writing():
            return [path for path in self._staging.iterdir() if _changed_at(path) <= before]

    def _new_work(self) -> Path:
        with writing():
            return Path(tempfile.mkdtemp(dir=self._staging))

    def _directory(self, digest: str) -> Path:
        if _DIGEST.fullmatch(digest) is None:
            raise ModelUnavailable(reason="digest")
        return self._root / digest


def _changed_at(path: Path) -> float:
    """Return when it was changed, in seconds of the epoch; never, if it just vanished."""
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return math.inf


def _is_whole(directory: Path, digest: str) -> bool:
    try:
        read_installed(directory, digest)
    except ModelUnavailable:
        return False
    return True


def _rename_unless_taken(tree: Path, target: Path) -> bool:
    """Rename a directory into place; False where another with this digest has the same bytes."""
    try:
        tree.rename(target)
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
        return False
    return True


def _made_young(directory: Path) -> bool:
    """Let it count as installed now, so that no sweep takes it; False if it is gone."""
    try:
        os.utime(directory)
    except FileNotFoundError:
        return False
    return True
