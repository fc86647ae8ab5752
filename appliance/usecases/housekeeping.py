"""Clear away what crashes left on disk: half uploads, and files no row ever named."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.ids import Sha256
from appliance.ports import AudioStore, RecordingRecords

LEFT_BEHIND_AFTER_S = 86_400.0
"""A day: no request lasts so long, and a tablet that retries brings the bytes again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What was cleared away."""

    n_parts: int
    n_orphans: int


def sweep(*, audio: AudioStore, recordings: RecordingRecords) -> Swept:
    """Remove old part files and old recordings without a row; those with one are not touched."""
    n_parts = audio.sweep(older_than_s=LEFT_BEHIND_AFTER_S)
    orphans = [
        sha256
        for sha256 in audio.hashes(older_than_s=LEFT_BEHIND_AFTER_S)
        if not recordings.is_referenced(sha256)
    ]
    for sha256 in orphans:
        erase_unreferenced(sha256, audio=audio, recordings=recordings)
    return Swept(n_parts=n_parts, n_orphans=len(orphans))


def erase_unreferenced(sha256: Sha256, *, audio: AudioStore, recordings: RecordingRecords) -> None:
    """Remove a recording's file unless a row names it, also one that is being written now."""
    audio.erase(sha256, unless=lambda: recordings.is_referenced(sha256))
