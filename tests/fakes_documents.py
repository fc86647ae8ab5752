"""Protocols, keys and recordings in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from appliance.core.audit import AuditEntry
from appliance.core.envelope import ItemKind, Receipt
from appliance.core.errors import (
    ContentConflict,
    KeyNotFound,
    KeyRevoked,
    ProtocolConflict,
    ProtocolNotFound,
    RecordingNotFound,
    RecordingRefused,
)
from appliance.core.ids import ProtocolId, RecordingId, Sha256, UserId
from appliance.core.inference import Recording
from appliance.core.installed_protocol import InstalledProtocol
from appliance.core.signing_key import TrustedKey
from appliance.ports import Stored
from tests.fakes_audit import FakeAudit


class FakeProtocols:
    """Installed protocols in memory."""

    def __init__(self, audit: FakeAudit) -> None:
        """Begin with nothing installed."""
        self._audit = audit
        self._protocols: dict[ProtocolId, InstalledProtocol] = {}

    def install(self, protocol: InstalledProtocol, *, audit: AuditEntry) -> Stored:
        """See the port."""
        known = self._protocols.get(protocol.id)
        if known is not None and known.sha256 != protocol.sha256:
            raise ProtocolConflict(protocol_id=protocol.id)
        if known is not None:
            return Stored.SAME
        with self._audit.write(audit):
            self._protocols[protocol.id] = replace(protocol, active=not self._protocols)
        return Stored.NEW

    def protocol(self, protocol_id: ProtocolId) -> InstalledProtocol:
        """See the port."""
        if protocol_id not in self._protocols:
            raise ProtocolNotFound
        return self._protocols[protocol_id]

    def active_protocol(self) -> InstalledProtocol:
        """See the port."""
        for protocol in self._protocols.values():
            if protocol.active:
                return protocol
        raise ProtocolNotFound

    def protocols(self) -> tuple[InstalledProtocol, ...]:
        """See the port."""
        return tuple(self._protocols.values())

    def activate_protocol(self, protocol_id: ProtocolId, *, audit: AuditEntry) -> None:
        """See the port."""
        self.protocol(protocol_id)
        with self._audit.write(audit):
            for known in self.protocols():
                self._protocols[known.id] = replace(known, active=known.id == protocol_id)


class FakeKeys:
    """Trusted keys in memory."""

    def __init__(self, audit: FakeAudit) -> None:
        """Begin trusting nobody."""
        self._audit = audit
        self._keys: dict[str, TrustedKey] = {}
        self._revoked: set[str] = set()

    def add_key(self, key: TrustedKey, *, audit: AuditEntry) -> Stored:
        """See the port."""
        if key.fingerprint in self._revoked:
            raise KeyRevoked(fingerprint=key.fingerprint)
        known = self._keys.get(key.fingerprint)
        if known not in {None, key}:
            raise ContentConflict(fingerprint=key.fingerprint)
        with self._audit.write(None if known else audit):
            self._keys[key.fingerprint] = key
        return Stored.SAME if known else Stored.NEW

    def keys(self) -> tuple[TrustedKey, ...]:
        """See the port."""
        trusted = [key for name, key in self._keys.items() if name not in self._revoked]
        return tuple(sorted(trusted, key=lambda key: (key.name, key.fingerprint)))

    def revoke_key(self, fingerprint: str, *, audit: AuditEntry) -> None:
        """See the port."""
        if fingerprint not in self._keys:
            raise KeyNotFound(fingerprint=fingerprint)
        with self._audit.write(None if fingerprint in self._revoked else audit):
            self._revoked.add(fingerprint)


class FakeRecordings:
    """Recordings in memory; `attached` and `refused` are kept by the fake of inferences."""

    def __init__(self, audit: FakeAudit) -> None:
        """Begin without recordings."""
        self._audit = audit
        self.stored: dict[RecordingId, Recording] = {}
        self.attached: set[RecordingId] = set()
        self.refused: set[tuple[RecordingId, UserId]] = set()

    def add_recording(self, recording: Recording, *, audit: AuditEntry) -> Stored:
        """See the port."""
        with self._audit.lock:
            known = self.stored.get(recording.id)
            if known is not None:
                if _content(known) != _content(recording):
                    raise ContentConflict(recording_id=recording.id)
                return Stored.SAME
            if (recording.id, recording.user_id) in self.refused:
                raise RecordingRefused(recording_id=recording.id)
            with self._audit.write(audit):
                self.stored[recording.id] = recording
            return Stored.NEW

    def recording(self, recording_id: RecordingId) -> Recording:
        """See the port."""
        if recording_id not in self.stored:
            raise RecordingNotFound(recording_id=recording_id)
        return self.stored[recording_id]

    def recordings(self, ids: Sequence[RecordingId]) -> tuple[Recording, ...]:
        """See the port."""
        return tuple(self.stored[asked] for asked in ids if asked in self.stored)

    def erase_recording(self, recording_id: RecordingId, *, audit: AuditEntry) -> None:
        """See the port."""
        free = recording_id in self.stored and recording_id not in self.attached
        with self._audit.write(audit if free else None):
            if free:
                del self.stored[recording_id]

    def unattached(self, *, received_before: datetime) -> tuple[Recording, ...]:
        """See the port."""
        free = (r for r in self.stored.values() if r.id not in self.attached)
        early = (r for r in free if r.received_at < received_before)
        return tuple(sorted(early, key=lambda recording: recording.received_at))

    def is_referenced(self, sha256: Sha256) -> bool:
        """See the port."""
        return any(recording.sha256 == sha256 for recording in self.stored.values())

    def content_hashes(self) -> Iterator[Sha256]:
        """See the port."""
        yield from sorted({recording.sha256 for recording in self.stored.values()})


def _content(recording: Recording) -> tuple[str, str, str]:
    return recording.user_id, recording.role, recording.sha256


class FakeEnvelopes:
    """Numbers of sealed items in memory."""

    def __init__(self, audit: FakeAudit) -> None:
        """Begin with none."""
        self._audit = audit
        self._receipts: dict[str, Receipt] = {}

    def add_envelope(
        self,
        item_id: str,
        kind: ItemKind,
        *,
        user_id: UserId,
        sha256: Sha256,
        at: datetime,
        audit: AuditEntry,
    ) -> tuple[Receipt, Stored]:
        """See the port."""
        del at
        known = self._receipts.get(item_id)
        if known is not None:
            if (known.kind, known.user_id, known.sha256) != (kind, user_id, sha256):
                raise ContentConflict(item_id=item_id)
            return known, Stored.SAME
        with self._audit.write(audit):
            seq = len(self._receipts) + 1
            added = Receipt(item_id=item_id, kind=kind, user_id=user_id, sha256=sha256, seq=seq)
            self._receipts[item_id] = added
        return added, Stored.NEW

    def missing(self, items: Sequence[tuple[str, Sha256]]) -> tuple[str, ...]:
        """See the port."""
        here = {(one.item_id, one.sha256) for one in self._receipts.values()}
        return tuple(item_id for item_id, sha256 in items if (item_id, sha256) not in here)

    def last_seq(self) -> int:
        """See the port."""
        return len(self._receipts)
