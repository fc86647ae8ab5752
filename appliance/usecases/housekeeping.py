"""Clear away what crashes left on disk: half uploads, and files no row ever named."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.ids import Sha256
from appliance.core.model import VersionState
from appliance.ports import AudioStore, BundleStore, ModelRecords, RecordingRecords

LEFT_BEHIND_AFTER_S = 86_400.0
"""A day: no request lasts so long, and a tablet that retries brings the bytes again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What was cleared away: half and unnamed recordings, half and unnamed bundles."""

    n_parts: int
    n_orphans: int
    n_staged: int
    n_bundles: int


def sweep(
    *,
    audio: AudioStore,
    recordings: RecordingRecords,
    bundles: BundleStore,
    models: ModelRecords,
    forward_s: float = 0.0,
) -> Swept:
    """Remove old part files, and old recordings and bundles without a row.

    What has a row, and what may belong to work that is under way, is not touched.

    Args:
        forward_s: how much older than it is something may look, since the clock was set
            (`appliance.core.clock_jumps`). What is spared for that is swept after a restart.
    """
    after_s = LEFT_BEHIND_AFTER_S + forward_s
    n_parts = audio.sweep(older_than_s=after_s)
    old = set(audio.hashes(older_than_s=after_s))
    # Asked once for all; of those few that are left each is asked for again before it goes.
    orphans = old.difference(recordings.content_hashes())
    for sha256 in orphans:
        erase_unreferenced(sha256, audio=audio, recordings=recordings)
    n_staged = bundles.sweep(older_than_s=after_s)
    unnamed = unnamed_bundles(bundles=bundles, models=models, older_than_s=after_s)
    for digest in unnamed:
        bundles.remove(digest, older_than_s=after_s)
    return Swept(n_parts=n_parts, n_orphans=len(orphans), n_staged=n_staged, n_bundles=len(unnamed))


def unnamed_bundles(
    *, bundles: BundleStore, models: ModelRecords, older_than_s: float = LEFT_BEHIND_AFTER_S
) -> frozenset[str]:
    """Return the digests of old bundles on disk that no installed version has."""
    here = bundles.installed(older_than_s=older_than_s)
    return here - {v.digest for v in models.versions() if v.state is not VersionState.REMOVED}


def erase_unreferenced(sha256: Sha256, *, audio: AudioStore, recordings: RecordingRecords) -> None:
    """Remove a recording's file unless a row names it, also one that is being written now."""
    audio.erase(sha256, unless=lambda: recordings.is_referenced(sha256))
