"""Look at the whole box and say what is wrong; nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from appliance.core.audit import AuditAction
from appliance.core.errors import AudioDamaged, AudioMissing, ModelFault, StorageFault
from appliance.core.findings import Finding
from appliance.core.ids import Sha256
from appliance.core.inference import InferenceQuery, InferenceStatus
from appliance.core.manifest_json import parse_manifest
from appliance.core.model import ModelVersion, VersionState
from appliance.ports import (
    AudioStore,
    AuditRecords,
    BundleStore,
    Clock,
    DatabaseHealth,
    DiskSpace,
    InferenceRecords,
    KeyRecords,
    ModelRecords,
    Predictor,
    ProtocolRecords,
    RecordingRecords,
    TabletRecords,
)
from appliance.usecases.audit_chain import chain_break
from appliance.usecases.checks import (
    active_model,
    audio_files,
    audit_chain,
    canary,
    clock,
    database_integrity,
    demonstration_key,
    disk_space,
    model_files,
    outbox_key,
    private_files,
    protocols,
    queue,
    secrets,
    signing_keys,
    sqlite_version,
    stuck_jobs,
    tablets,
    unattached_recordings,
    unreadable,
)
from appliance.usecases.housekeeping import LEFT_BEHIND_AFTER_S, unnamed_bundles
from appliance.usecases.models import SERVING, self_test

Look: TypeAlias = tuple[str, Callable[[], Iterator[Finding]]]
"""What is looked at, and how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminedRecords:
    """What `records.db` holds."""

    health: DatabaseHealth
    audit: AuditRecords
    recordings: RecordingRecords
    inferences: InferenceRecords
    models: ModelRecords
    keys: KeyRecords
    protocols: ProtocolRecords
    tablets: TabletRecords


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminedBox:
    """The box that is looked at.

    Attributes:
        missing_secrets: names of the files of `keys/` that are missing or damaged.
        unchecked_secrets: names of those in which damage could not be seen.
        outbox_key_lost: the key that tablets seal to was given out and is gone.
        queue_usable: the queue's file is absent or sound.
        public_key: fingerprint of the demonstration key that ships with the release.
        records: what the database holds, or why it could not be opened.
        recordings_above_bytes: with less free space no recording is taken.
    """

    directory: Path
    clock: Clock
    missing_secrets: tuple[str, ...]
    unchecked_secrets: tuple[str, ...] = ()
    outbox_key_lost: bool = False
    queue_usable: bool = True
    public_key: str
    records: ExaminedRecords | StorageFault
    space: DiskSpace
    recordings_above_bytes: int
    audio: AudioStore
    bundles: BundleStore
    predictor: Predictor


def examine(
    box: ExaminedBox, *, deep: bool, progress: Callable[[str], None]
) -> tuple[Finding, ...]:
    """Return everything found, in the order it was looked for.

    What cannot be read is a finding, too, and does not keep the doctor from the rest.

    Args:
        box: where to look.
        deep: read every recording and compare its hash, and score the golden recordings.
        progress: told the name of each look.
    """
    return taken(_looks(box, deep=deep), progress=progress)


def taken(looks: Sequence[Look], *, progress: Callable[[str], None]) -> tuple[Finding, ...]:
    """Return what each look found; one that meets damage does not keep the others from theirs."""
    findings: list[Finding] = []
    faults: dict[str, StorageFault] = {}
    for name, look in looks:
        progress(name)
        try:
            findings.extend(look())
        except StorageFault as fault:
            faults[name] = fault
    for code in dict.fromkeys(fault.code for fault in faults.values()):
        kept_from = [name for name, fault in faults.items() if fault.code == code]
        findings.append(unreadable.check(faults[kept_from[0]], looks=kept_from))
    return tuple(findings)


def _looks(box: ExaminedBox, *, deep: bool) -> tuple[Look, ...]:
    return (
        ("files", lambda: _look_at_files(box)),
        ("database", lambda: _look_at_database(opened_records(box))),
        ("audit", lambda: _look_at_audit(box, opened_records(box))),
        ("recordings", lambda: _look_at_recordings(box, opened_records(box))),
        ("audio", lambda: _look_at_audio(box, opened_records(box), deep=deep)),
        ("tablets", lambda: _look_at_tablets(box, opened_records(box))),
        ("protocols", lambda: _look_at_protocols(opened_records(box))),
        ("models", lambda: _look_at_models(box, opened_records(box))),
        ("bundles", lambda: _look_at_bundles(box, opened_records(box), deep=deep)),
    )


def opened_records(box: ExaminedBox) -> ExaminedRecords:
    """Return what the database holds. Raises the fault for which it could not be opened."""
    if isinstance(box.records, StorageFault):
        raise box.records
    return box.records


def _look_at_files(box: ExaminedBox) -> Iterator[Finding]:
    paths = [box.directory, *box.directory.rglob("*")]
    modes = {
        str(path.relative_to(box.directory)): path.lstat().st_mode & 0o777
        for path in paths
        if not path.is_symlink() and path.exists()
    }
    yield from secrets.check(box.missing_secrets)
    yield from outbox_key.check(lost=box.outbox_key_lost)
    yield from private_files.check(modes)
    yield from queue.check(usable=box.queue_usable)
    yield from disk_space.check(
        box.space.free_bytes(),
        recordings_above_bytes=box.recordings_above_bytes,
        ballast_bytes=box.space.ballast_bytes(),
    )


def _look_at_database(records: ExaminedRecords) -> Iterator[Finding]:
    yield from sqlite_version.check(records.health.sqlite_version)
    yield from database_integrity.check(records.health.integrity_problems())


def _look_at_audit(box: ExaminedBox, records: ExaminedRecords) -> Iterator[Finding]:
    yield from audit_chain.check(chain_break(records.audit))
    past, sung = clock.Past(), dict[str, canary.Heard]()
    for row in records.audit.rows():
        past.watch(row.entry.at)
        if row.entry.action is AuditAction.MODEL_CANARY:
            sung[row.entry.entity_id] = canary.heard(row.entry, sung.get(row.entry.entity_id))
    yield from clock.check(past, now=box.clock())
    heard = {
        version.full_name: sung.get(version.id, canary.Heard(at=version.installed_at))
        for version in records.models.versions()
        if version.state is not VersionState.REMOVED
    }
    yield from canary.check(heard, now=box.clock())


def _look_at_recordings(box: ExaminedBox, records: ExaminedRecords) -> Iterator[Finding]:
    now = box.clock()
    before = now - timedelta(seconds=LEFT_BEHIND_AFTER_S)
    yield from unattached_recordings.check(records.recordings.unattached(received_before=before))
    yield from stuck_jobs.check(_oldest_waiting(records), now=now)


def _oldest_waiting(records: ExaminedRecords) -> datetime | None:
    waiting = records.inferences.find(
        InferenceQuery(status=InferenceStatus.PROCESSING, descending=False, limit=200)
    )
    return min((inference.received_at for inference in waiting.inferences), default=None)


def _look_at_audio(box: ExaminedBox, records: ExaminedRecords, *, deep: bool) -> Iterator[Finding]:
    named = set(records.recordings.content_hashes())
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


def _look_at_tablets(box: ExaminedBox, records: ExaminedRecords) -> Iterator[Finding]:
    yield from tablets.check(records.tablets.tablets(), now=box.clock())


def _look_at_protocols(records: ExaminedRecords) -> Iterator[Finding]:
    active = next((one.id for one in records.protocols.protocols() if one.active), None)
    answering = (model.active for model in records.models.models())
    known = {v.full_name: parse_manifest(v.manifest).protocols for v in answering if v is not None}
    yield from protocols.check(active, answering=known)


def _look_at_models(box: ExaminedBox, records: ExaminedRecords) -> Iterator[Finding]:
    yield from active_model.check(records.models.models())
    keys = records.keys.keys()
    yield from demonstration_key.check(keys, public=box.public_key)
    serving = {
        v.full_name: v.key_fingerprint for v in records.models.versions() if v.state in SERVING
    }
    yield from signing_keys.check(serving, trusted={key.fingerprint for key in keys})


def _look_at_bundles(
    box: ExaminedBox, records: ExaminedRecords, *, deep: bool
) -> Iterator[Finding]:
    serving = [version for version in records.models.versions() if version.state in SERVING]
    faults = {v.full_name: _fault_of(v, box, deep=deep) for v in serving}
    yield from model_files.check(
        {name: code for name, code in faults.items() if code},
        leftovers=unnamed_bundles(bundles=box.bundles, models=records.models),
        n_staged=box.bundles.n_left_behind(older_than_s=LEFT_BEHIND_AFTER_S),
    )


def _fault_of(version: ModelVersion, box: ExaminedBox, *, deep: bool) -> str:
    """Return the code of what is wrong with a version's files or, looking deep, its answers."""
    try:
        contents = box.bundles.contents(version.digest)
        if deep:
            self_test(contents, predictor=box.predictor)
    except ModelFault as fault:
        return fault.code
    return ""
