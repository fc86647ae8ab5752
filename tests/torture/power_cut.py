"""What a power cut leaves: images of a disk at a moment of its life, each a directory to open."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Final

from tests.torture.replay import Inode, Replay, Torn

SECTOR_BYTES: Final = 512
_LINKED_FROM_BYTES: Final = 64 * 1024
_REWRITTEN: Final = ("records.db", "records.db-wal", "huey.db", "huey.db-wal")
_GONE: Final = ("-shm", ".sock")


class Cut(StrEnum):
    """What of the unsynced is lost."""

    ALL = "all"
    """Content and names."""
    NAMES = "directory entries"
    """Names: old ones are back, with the content of today."""
    TORN = "last write torn"
    """The second half of the last write, if no fsync followed it."""
    SECTORS = "last write in sectors"
    """Some sectors of the last write, others not; the file is as long as it was to be."""
    MIXED = "some"
    """Content of some files, names of some directories: a disk writes in its own order."""
    NONE = "none"
    """Nothing: the process is killed and the machine goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A tree of files as a power cut leaves it: path -> (mode, digest); directories have none."""

    entries: Mapping[str, tuple[int, str]]

    @property
    def fingerprint(self) -> str:
        """The same for the same tree."""
        return hashlib.sha256(repr(sorted(self.entries.items())).encode()).hexdigest()


class _Survival:
    """Which files keep the content, and which directories the names, that programs saw."""

    def __init__(self, cut: Cut, luck: random.Random) -> None:
        self._cut = cut
        self._coin = luck.randrange(2**30)

    def of_content(self, inode: Inode) -> bool:
        """Return whether content that was never synced is there."""
        return (
            self._tossed(inode, "content") if self._cut is Cut.MIXED else self._cut is not Cut.ALL
        )

    def names(self, inode: Inode) -> Mapping[str, Inode]:
        """Return the names in a directory."""
        survive = (
            self._tossed(inode, "names")
            if self._cut is Cut.MIXED
            else self._cut not in {Cut.ALL, Cut.NAMES}
        )
        return (inode.entries or {}) if survive else inode.lasting_entries

    def _tossed(self, inode: Inode, what: str) -> bool:
        coin = random.Random(f"{self._coin}/{inode.number}/{what}")  # noqa: S311 - no secret
        return bool(coin.randrange(2))


class Images:
    """Images of one disk; contents are kept once, by digest."""

    def __init__(self, replay: Replay, contents: Path) -> None:
        """Keep contents in a directory, which is made if it is absent."""
        contents.mkdir(exist_ok=True)
        self._replay = replay
        self._contents = contents
        self._digests: dict[tuple[int, bool, int], str] = {}

    def of(self, under: str, cut: Cut, luck: random.Random) -> Image:
        """Return what a cut now leaves of a directory; empty if its name is lost."""
        survival, torn = _Survival(cut, luck), _torn_content(self._replay.torn, cut, luck)
        top = self._replay.root
        for name in PurePosixPath(under).parts[1:]:
            found = survival.names(top).get(name)
            if found is None:
                return Image(entries={})
            top = found
        entries: dict[str, tuple[int, str]] = {}

        def walk(inode: Inode, path: str) -> None:
            if inode.entries is None:
                seen = survival.of_content(inode)
                digest = self._stored(torn[inode]) if inode in torn else self._digest(inode, seen)
                entries[path] = (inode.mode, digest)
                return
            entries[path] = (inode.mode, "")
            for name, child in survival.names(inode).items():
                if not name.endswith(_GONE):
                    walk(child, f"{path}/{name}")

        walk(top, ".")
        return Image(entries=entries)

    def build(self, image: Image, target: Path) -> None:
        """Write an image; what is never rewritten is a link to its content."""
        for path, (mode, digest) in image.entries.items():
            at = target / path
            if not digest:
                at.mkdir(exist_ok=True)
                continue
            content = self._contents / digest
            if content.stat().st_size >= _LINKED_FROM_BYTES and at.name not in _REWRITTEN:
                os.link(content, at)
            else:
                at.write_bytes(content.read_bytes())
            at.chmod(mode)
        for path, (mode, digest) in image.entries.items():
            if not digest:
                (target / path).chmod(mode)

    def _digest(self, inode: Inode, seen: bool) -> str:
        """Return the digest of what programs saw of a file, or else of what lasts of it."""
        key = (inode.number, seen, inode.version if seen else inode.lasting_version)
        if key not in self._digests:
            self._digests[key] = self._stored(bytes(inode.content if seen else inode.lasting))
        return self._digests[key]

    def _stored(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        if not (self._contents / digest).exists():
            (self._contents / digest).write_bytes(content)
        return digest


def _torn_content(torn: Torn | None, cut: Cut, luck: random.Random) -> dict[Inode, bytes]:
    """Return the file whose last write is cut short, with its content; or nothing."""
    if cut not in {Cut.TORN, Cut.SECTORS} or torn is None:
        return {}
    n_bytes = len(torn.before)
    content = bytearray(torn.inode.content)
    if cut is Cut.TORN:
        half = n_bytes // 2
        content[torn.offset + half : torn.offset + n_bytes] = torn.before[half:]
        return {torn.inode: bytes(content[: max(torn.n_bytes, torn.offset + half)])}
    for at in range(0, n_bytes, SECTOR_BYTES):
        if luck.randrange(2):
            sector = slice(torn.offset + at, torn.offset + min(at + SECTOR_BYTES, n_bytes))
            content[sector] = torn.before[at : at + SECTOR_BYTES]
    return {torn.inode: bytes(content)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """One image, and all the moments and modes that leave it.

    Attributes:
        image: the tree.
        until_ns: the last moment that leaves it: all that was acknowledged by then must be there.
        moments: (operations done, mode).
    """

    image: Image
    until_ns: int
    moments: list[tuple[int, Cut]]


def boundaries(replay: Replay, *, since_ns: int, acknowledged_ns: Sequence[int]) -> Iterator[int]:
    """Yield how many operations are done just before and after each fsync, and at each answer."""
    found = set()
    for n_done in range(len(replay.operations)):
        if replay.at_ns(n_done) >= since_ns and replay.is_sync(n_done):
            found |= {n_done, n_done + 1}
    found.update(replay.n_done_at(at_ns) for at_ns in acknowledged_ns)
    yield from sorted(found)


def left_behind(
    replay: Replay, images: Images, under: str, moments: Iterable[int], luck: random.Random
) -> list[Left]:
    """Return every different image that cuts at these moments leave."""
    found: dict[str, Left] = {}
    for n_done in sorted(moments):
        replay.go_to(n_done)
        for cut in Cut:
            image = images.of(under, cut, luck)
            known = found.get(image.fingerprint)
            found[image.fingerprint] = Left(
                image=image,
                until_ns=replay.at_ns(n_done),
                moments=[*(known.moments if known else ()), (n_done, cut)],
            )
    return list(found.values())
