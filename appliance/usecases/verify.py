"""Read everything on the box and compare it with its digest; nothing is changed.

The doctor asks whether the box can work; this asks whether a single bit of it is another.
What cannot be compared with anything: `settings.toml`, which people edit (it is read and must make
sense), and `huey.db`, which may be deleted at any time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from appliance.core.errors import AudioDamaged, AudioMissing, ModelUnavailable
from appliance.core.findings import Finding
from appliance.core.ids import Sha256
from appliance.core.model import VersionState
from appliance.core.signing_key import TrustedKey
from appliance.ports import AudioStore, BundleStore
from appliance.usecases.audit_chain import chain_break
from appliance.usecases.checks import (
    audio_files,
    audit_chain,
    damaged_rows,
    database_integrity,
    installed_files,
    outbox_key,
    secrets,
)
from appliance.usecases.doctor import ExaminedBox, ExaminedRecords, Look, opened_records, taken


@dataclass(slots=True)
class Read:
    """How much was read: rows of the audit, recordings and bundles."""

    n_audit_rows: int = 0
    n_recordings: int = 0
    n_bundles: int = 0


def verify_box(
    box: ExaminedBox, *, progress: Callable[[str], None]
) -> tuple[tuple[Finding, ...], Read]:
    """Return everything found, and how much was read.

    Memory does not grow with the recordings' length; their hashes are held (64 bytes each).

    Args:
        box: where to look.
        progress: told what is being read.
    """
    read = Read()
    looks: tuple[Look, ...] = (
        ("keys", lambda: _look_at_keys(box)),
        ("database", lambda: _look_at_database(opened_records(box))),
        ("rows", lambda: _look_at_rows(opened_records(box))),
        ("audit", lambda: _look_at_audit(opened_records(box), read)),
        ("bundles", lambda: _look_at_bundles(box, read)),
        ("documents", lambda: _look_at_documents(box, opened_records(box))),
        ("recordings", lambda: _look_at_sound(box, read, progress)),
        ("recordings missing", lambda: _look_for_sound(box.audio, opened_records(box))),
    )
    return taken(looks, progress=progress), read


def _look_at_keys(box: ExaminedBox) -> Iterator[Finding]:
    yield from secrets.check(box.missing_secrets, box.unchecked_secrets)
    yield from outbox_key.check(lost=box.outbox_key_lost)


def _look_at_database(records: ExaminedRecords) -> Iterator[Finding]:
    yield from database_integrity.check(records.health.integrity_problems())


def _look_at_rows(records: ExaminedRecords) -> Iterator[Finding]:
    rows = list(records.health.damaged_rows())
    yield from damaged_rows.check(rows, log_cut_short=records.health.log_cut_short)


def _look_at_audit(records: ExaminedRecords, read: Read) -> Iterator[Finding]:
    yield from audit_chain.check(chain_break(records.audit))
    read.n_audit_rows = records.audit.head()[0]


def _look_at_sound(
    box: ExaminedBox, read: Read, progress: Callable[[str], None]
) -> Iterator[Finding]:
    """Read every file, also those whose row is damaged."""
    damaged = []
    for read.n_recordings, sha256 in enumerate(box.audio.hashes(), start=1):
        progress(f"recording {read.n_recordings}")
        if _is_damaged(sha256, box.audio):
            damaged.append(sha256)
    yield from audio_files.check(missing=(), damaged=damaged, orphans=())


def _is_damaged(sha256: Sha256, audio: AudioStore) -> bool:
    try:
        audio.read(sha256)
    except AudioDamaged:
        return True
    except AudioMissing:
        return False  # erased since its name was read
    return False


def _look_for_sound(audio: AudioStore, records: ExaminedRecords) -> Iterator[Finding]:
    # In this order: a recording that comes meanwhile has its file before its row.
    missing = set(records.recordings.content_hashes()).difference(audio.hashes())
    really = [sha256 for sha256 in missing if records.recordings.is_referenced(sha256)]
    yield from audio_files.check(missing=really, damaged=(), orphans=())


def _look_at_bundles(box: ExaminedBox, read: Read) -> Iterator[Finding]:
    """Read every bundle on disk, and ask for those that should be there."""
    faults = {}
    for digest in sorted(box.bundles.installed()):
        read.n_bundles += 1
        try:
            box.bundles.contents(digest)
        except ModelUnavailable as fault:
            faults[digest] = str(fault.details.get("file", fault.code))
    yield from installed_files.check(faults, documents=())


def _look_at_documents(box: ExaminedBox, records: ExaminedRecords) -> Iterator[Finding]:
    """Compare what the database says of documents and bundles with what they are."""
    documents = [
        f"protocol {protocol.id}"
        for protocol in records.protocols.protocols()
        if hashlib.sha256(protocol.document).hexdigest() != protocol.sha256
    ]
    faults = {}
    keys = records.keys.keys()
    trusted = {key.fingerprint: key for key in keys}
    here = box.bundles.installed()
    for version in records.models.versions():
        if hashlib.sha256(version.manifest).hexdigest() != version.digest:
            documents.append(f"model version {version.id}")
        if version.state is VersionState.REMOVED:
            continue
        signer = trusted.get(version.key_fingerprint)
        if version.digest not in here:
            faults[version.digest] = "missing"
        elif signer is not None and not _is_signed(box.bundles, version.digest, signer):
            faults[version.digest] = "signature"
    yield from installed_files.check(faults, documents=documents)


def _is_signed(bundles: BundleStore, digest: str, signer: TrustedKey) -> bool:
    """Return whether a bundle carries the signature; one that cannot be read is none."""
    try:
        return bundles.is_signed(digest, (signer,))
    except ModelUnavailable:
        return False
