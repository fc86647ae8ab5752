"""Fakes of the ports that touch files, passwords and the queue: in memory, quick, and steerable."""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from appliance.core.errors import (
    AudioDamaged,
    AudioMissing,
    DiskFull,
    StorageFailed,
    TooLarge,
)
from appliance.core.ids import ResultId, Sha256
from appliance.core.wav import MAX_BYTES


@dataclass
class FakeAudioPart:
    """A recording on its way into a `FakeAudioStore`.

    Attributes:
        crashed: whoever wrote it was killed.
    """

    store: FakeAudioStore
    max_bytes: int = MAX_BYTES
    written: bytearray | None = field(default_factory=bytearray)
    crashed: bool = False

    def write(self, chunk: bytes) -> None:
        """Append bytes. Raises TooLarge beyond the most it may hold, DiskFull, StorageFailed."""
        if len(self._open) + len(chunk) > self.max_bytes:
            raise TooLarge(max_bytes=self.max_bytes)
        self.store.refuse_if_it_must()
        self.store.count_write()
        self._open.extend(chunk)

    def content(self) -> bytes:
        """Return what was written so far."""
        return bytes(self._open)

    def sha256(self) -> Sha256:
        """Return the digest of what was written so far."""
        return Sha256(hashlib.sha256(self._open).hexdigest())

    def keep(self) -> Sha256:
        """Move it into the store."""
        self.store.refuse_if_it_must(full=False)
        sha256 = self.sha256()
        self.store.files[sha256] = (self.content(), self.store.now_s())
        self._leave()
        return sha256

    def discard(self) -> None:
        """Remove it; a no-op after keep."""
        self._leave()

    @property
    def _open(self) -> bytearray:
        if self.written is None:
            raise ValueError("The part was kept or discarded.")
        return self.written

    def _leave(self) -> None:
        self.written = None
        self.store.parts.pop(id(self), None)


@dataclass
class FakeAudioStore:
    """Recordings in memory; tests fill the disk, break it, or damage a file.

    Attributes:
        files: content and when it was stored (s since the epoch), by hash.
        parts: what was begun and neither kept nor discarded, with when it began.
        writes_left: so many writes until the disk is full; None: it never is.
    """

    now_s: Callable[[], float] = time.time
    files: dict[Sha256, tuple[bytes, float]] = field(default_factory=dict)
    parts: dict[int, tuple[FakeAudioPart, float]] = field(default_factory=dict)
    full: bool = False
    failed: bool = False
    writes_left: int | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, *, max_bytes: int = MAX_BYTES) -> FakeAudioPart:
        """Open a part. Raises DiskFull, StorageFailed."""
        self.refuse_if_it_must()
        part = FakeAudioPart(self, max_bytes)
        self.parts[id(part)] = (part, self.now_s())
        return part

    def count_write(self) -> None:
        """Take note of a write. Raises DiskFull."""
        if self.writes_left is not None:
            self.writes_left -= 1
            self.full = self.writes_left < 0
            self.refuse_if_it_must()

    def read(self, sha256: Sha256) -> bytes:
        """Return the bytes. Raises AudioMissing, AudioDamaged."""
        if sha256 not in self.files:
            raise AudioMissing(sha256=sha256)
        content = self.files[sha256][0]
        if hashlib.sha256(content).hexdigest() != sha256:
            raise AudioDamaged(sha256=sha256)
        return content

    @contextmanager
    def settling(self) -> Iterator[None]:
        """Hold off every erase."""
        self.refuse_if_it_must(full=False)
        with self.lock:
            yield

    def erase(self, sha256: Sha256, *, unless: Callable[[], bool]) -> None:
        """Forget the file unless it is needed; absent is no error."""
        self.refuse_if_it_must(full=False)
        with self.lock:
            if not unless():
                self.files.pop(sha256, None)

    def hashes(self, *, older_than_s: float = -math.inf) -> Iterator[Sha256]:
        """Yield what was stored at least so long ago."""
        latest_s = self.now_s() - older_than_s
        yield from [h for h, (_, stored_s) in self.files.items() if stored_s <= latest_s]

    def sweep(self, *, older_than_s: float) -> int:
        """Forget old parts of crashes; return how many."""
        latest_s = self.now_s() - older_than_s
        old = [k for k, (part, at_s) in self.parts.items() if part.crashed and at_s <= latest_s]
        for key in old:
            del self.parts[key]
        return len(old)

    def add(self, content: bytes) -> Sha256:
        """Store content at once."""
        part = self.begin()
        part.write(content)
        return part.keep()

    def damage(self, sha256: Sha256) -> None:
        """Flip a bit of the content, as an old disk does."""
        content, stored_s = self.files[sha256]
        self.files[sha256] = (bytes([content[0] ^ 1]) + content[1:], stored_s)

    def refuse_if_it_must(self, *, full: bool = True) -> None:
        """Raise what the state of the disk demands."""
        if self.failed:
            raise StorageFailed
        if full and self.full:
            raise DiskFull


@dataclass
class FakeDiskSpace:
    """A disk in memory; tests fill it.

    Attributes:
        free: bytes left.
        held: bytes of ballast.
        small_bytes, growing_bytes, recordings_bytes: the levels.
    """

    free: int = 1 << 40
    held: int = 0
    small_bytes: int = 4 << 20
    growing_bytes: int = 8 << 20
    recordings_bytes: int = 16 << 20
    ballast: int = 16 << 20

    def free_bytes(self) -> int:
        """Return what is left."""
        return self.free

    def ballast_bytes(self) -> int:
        """Return what is held."""
        return self.held

    def admit(self, *, growing: bool) -> None:
        """Give up ballast below the lowest level. Raises DiskFull for what can wait."""
        while self.free < self.small_bytes and self.give_up():
            pass
        if growing and self.free < self.growing_bytes:
            raise DiskFull

    def give_up(self) -> bool:
        """Give up a piece, if there is one."""
        piece = min(self.held, self.ballast // 16)
        self.free, self.held = self.free + piece, self.held - piece
        return piece > 0

    def restore(self) -> bool:
        """Hold pieces again while recordings are still taken."""
        piece = self.ballast // 16
        while self.held < self.ballast and self.free - piece >= self.recordings_bytes:
            self.free, self.held = self.free - piece, self.held + piece
        return self.held == self.ballast


@dataclass
class FakePasswordHasher:
    """A hash that costs nothing and hides nothing from a test."""

    n_verified_unknown: int = 0

    def hash(self, password: str) -> str:
        """Return the password's digest under a fresh salt."""
        salt = hashlib.sha256(f"{id(object())}{time.perf_counter_ns()}".encode()).hexdigest()[:16]
        return f"fake${salt}${self._digest(salt, password)}"

    def verify(self, encoded: str | None, password: str) -> bool:
        """Compare; unknown users are counted and refused."""
        if encoded is None:
            self.n_verified_unknown += 1
            return False
        kind, salt, digest = encoded.split("$") if encoded.count("$") == 2 else ("", "", "")
        return kind == "fake" and digest == self._digest(salt, password)

    @staticmethod
    def _digest(salt: str, password: str) -> str:
        return hashlib.sha256(f"{salt}{password}".encode("utf-8", "surrogatepass")).hexdigest()


@dataclass
class FakeJobQueue:
    """Remembers who was woken; calls the worker when told to, or loses everything.

    Attributes:
        woken: ids in the order they came.
        work: what was started, and is not stopped yet.
        stuck: a job does not end when it should.
    """

    woken: list[ResultId] = field(default_factory=list)
    work: Callable[[ResultId], None] | None = None
    stuck: bool = False

    def wake(self, result_id: ResultId) -> None:
        """Remember the id."""
        self.woken.append(result_id)

    def start(self, work: Callable[[ResultId], None], n_workers: int) -> None:
        """Remember whom to call; nothing is called by itself."""
        assert n_workers >= 1
        self.work = work

    def stop(self, timeout_s: float) -> bool:
        """Forget whom to call; return whether nothing was stuck."""
        assert timeout_s >= 0
        self.work = None
        return not self.stuck

    def run(self, work: Callable[[ResultId], None]) -> int:
        """Hand over everything that waits, and what is woken meanwhile; return how many."""
        n_done = 0
        while self.woken:
            work(self.woken.pop(0))
            n_done += 1
        return n_done

    def lose_everything(self) -> None:
        """Do what queues do in a crash."""
        self.woken.clear()
