"""What clients outside the box sent and were told, so that the box can be held to it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One recording as a client made it: its id, its role, its bytes and their SHA-256."""

    id: str
    role: str
    content: bytes
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One patient: an inference with its recordings, all with ids the client chose."""

    id: str
    takes: tuple[Take, ...]

    @property
    def hashes(self) -> frozenset[str]:
        """The SHA-256 of each recording; no two visits share one."""
        return frozenset(take.sha256 for take in self.takes)


@dataclass(kw_only=True)
class Ledger:
    """Every acknowledgement, and every post whose answer was lost; may be used from any thread.

    Attributes:
        recordings: acknowledged, with their SHA-256.
        inferences: acknowledged, with the ids of their recordings.
        posts: acknowledged requests of 2022 by the id the box gave, with the SHA-256 of each
            recording.
        unanswered: of those requests without an answer. They carry no id, so that repeating
            one makes another inference: each may be there once, or not at all.
        n_repeated: sent again because the answer was lost.
        n_known: of the repeated, those the box had stored before it was killed.
        faults: answers nobody should get; the first words of each.
    """

    recordings: dict[str, str] = field(default_factory=dict)
    inferences: dict[str, frozenset[str]] = field(default_factory=dict)
    posts: dict[str, frozenset[str]] = field(default_factory=dict)
    unanswered: list[frozenset[str]] = field(default_factory=list)
    n_repeated: int = 0
    n_known: int = 0
    faults: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def n_acknowledged(self) -> int:
        """How many answers said that something is kept."""
        return len(self.recordings) + len(self.inferences) + len(self.posts)

    def recording_kept(self, take: Take) -> None:
        """Note that the box says it has this recording."""
        with self._lock:
            self.recordings[take.id] = take.sha256

    def inference_kept(self, visit: Visit) -> None:
        """Note that the box says it has this inference."""
        with self._lock:
            self.inferences[visit.id] = frozenset(take.id for take in visit.takes)

    def post_kept(self, inference_id: str, visit: Visit) -> None:
        """Note that the box gave this id to a request of 2022."""
        with self._lock:
            self.posts[inference_id] = visit.hashes

    def post_unanswered(self, visit: Visit) -> None:
        """Note a request of 2022 of which nobody can say whether it arrived."""
        with self._lock:
            self.unanswered.append(visit.hashes)

    def repeated(self, *, known: bool) -> None:
        """Note that something was sent again, and whether the box had it."""
        with self._lock:
            self.n_repeated += 1
            self.n_known += known

    def fault(self, what: str) -> None:
        """Note what must not happen."""
        with self._lock:
            self.faults.append(what[:500])

    def acknowledged(self) -> tuple[Mapping[str, str], frozenset[str]]:
        """Return what the box said so far it keeps: recordings with hashes, and inferences."""
        with self._lock:
            return dict(self.recordings), frozenset(self.inferences) | frozenset(self.posts)
