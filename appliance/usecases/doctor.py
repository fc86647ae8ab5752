"""Look at the whole box and say what is wrong; nothing is changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from appliance.core.audit import first_break
from appliance.core.errors import AudioDamaged, AudioMissing
from appliance.core.findings import Finding
from appliance.core.ids import Sha256
from appliance.core.inference import InferenceQuery, InferenceStatus
from appliance.ports import (
    AudioStore,
    AuditRecords,
    Clock,
    DatabaseHealth,
    InferenceRecords,
    KeyRecords,
    ModelRecords,
    RecordingRecords,
)
from appliance.usecases.checks import (
    active_model,
    audio_files,
    audit_chain,
    clock,
    database_integrity,
    demonstration_key,
    disk_space,
    private_files,
    sqlite_version,
    stuck_jobs,
    unattached_recordings,
)
from appliance.usecases.housekeeping import LEFT_BEHIND_AFTER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminedBox:
    """The box that is looked at."""

    directory: Path
    clock: Clock
    health: DatabaseHealth
    audit: AuditRecords
    recordings: RecordingRecords
    inferences: InferenceRecords
    models: ModelRecords
    keys: KeyRecords
    audio: AudioStore


def examine(
    box: ExaminedBox, *, deep: bool, progress: Callable[[str], None]
) -> tuple[Finding, ...]:
    """Return everything found, in the order it was looked for.

    Args:
        box: where to look.
        deep: read every recording and compare its hash.
        progress: told the name of each look.
    """
    looks = (
        ("files", _look_at_files),
        ("database", _look_at_database),
        ("audit", _look_at_audit),
        ("recordings", _look_at_recordings),
        ("audio", lambda asked: _look_at_audio(asked, deep=deep)),
        ("models", _look_at_models),
    )
    findings: list[Finding] = []
    for name, look in looks:
        progress(name)
        findings.extend(look(box))
    return tuple(findings)


def _look_at_files(box: ExaminedBox) -> Iterator[Finding]:
    paths = [box.directory, *box.directory.rglob("*")]
    modes = {
        str(path.relative_to(box.directory)): path.lstat().st_mode & 0o777
        for path in paths
        if not path.is_symlink() and path.exists()
    }
    yield from private_files.check(modes)
    yield from disk_space.check(shutil.disk_usage(box.directory).free)


def _look_at_database(box: ExaminedBox) -> Iterator[Finding]:
    yield from sqlite_version.check(box.health.sqlite_version)
    yield from database_integrity.check(box.health.integrity_problems())


def _look_at_audit(box: ExaminedBox) -> Iterator[Finding]:
    yield from audit_chain.check(first_break(box.audit.rows()))
    seq, _hash = box.audit.head()
    newest = next(iter(box.audit.rows(after=seq - 1)), None) if seq else None
    yield from clock.check(newest.entry.at if newest else None, now=box.clock())


def _look_at_recordings(box: ExaminedBox) -> Iterator[Finding]:
    now = box.clock()
    before = now - timedelta(seconds=LEFT_BEHIND_AFTER_S)
    yield from unattached_recordings.check(box.recordings.unattached(received_before=before))
    yield from stuck_jobs.check(_oldest_waiting(box), now=now)


def _oldest_waiting(box: ExaminedBox) -> datetime | None:
    waiting = box.inferences.find(
        InferenceQuery(status=InferenceStatus.PROCESSING, descending=False, limit=200)
    )
    return min((inference.received_at for inference in waiting.inferences), default=None)


def _look_at_audio(box: ExaminedBox, *, deep: bool) -> Iterator[Finding]:
    named = set(box.recordings.content_hashes())
    here = set(box.audio.hashes())
    settled = set(box.audio.hashes(older_than_s=LEFT_BEHIND_AFTER_S))
    missing = named - here
    damaged = {sha256 for sha256 in named & here if deep and _is_damaged(box, sha256, missing)}
    yield from audio_files.check(missing=missing, damaged=damaged, orphans=settled - named)


def _is_damaged(box: ExaminedBox, sha256: Sha256, missing: set[Sha256]) -> bool:
    """Return whether the file has other content; one that vanished meanwhile is missing."""
    try:
        box.audio.read(sha256)
    except AudioDamaged:
        return True
    except AudioMissing:
        missing.add(sha256)
    return False


def _look_at_models(box: ExaminedBox) -> Iterator[Finding]:
    yield from active_model.check(box.models.models())
    yield from demonstration_key.check(box.keys.keys())
