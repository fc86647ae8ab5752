"""What happened, by whom, to what: rows chained by SHA-256 so that no change goes unseen.

Rows hold ids and codes only, never patient data.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, NamedTuple

GENESIS = "0" * 64
"""The hash that comes before the first row."""


class AuditAction(StrEnum):
    """Everything that leaves an audit row."""

    BOX_INITIALISED = "box.initialised"
    USER_ADDED = "user.added"
    USER_CHANGED = "user.changed"
    USER_PASSWORD_SET = "user.password-set"  # noqa: S105 - an action, not a password
    SIGNED_IN = "user.signed-in"
    SIGNED_OUT = "user.signed-out"
    SESSION_COPIED = "user.session-copied"
    HOSPITAL_ADDED = "hospital.added"
    HOSPITAL_CHANGED = "hospital.changed"
    SHIFT_OPENED = "hospital.shift-opened"
    PROTOCOL_INSTALLED = "protocol.installed"
    PROTOCOL_ACTIVATED = "protocol.activated"
    MODEL_ADDED = "model.added"
    MODEL_INSTALLED = "model.installed"
    MODEL_ACTIVATED = "model.activated"
    MODEL_ROLLED_BACK = "model.rolled-back"
    MODEL_SHADOWED = "model.shadowed"
    MODEL_REMOVED = "model.removed"
    MODEL_RESCORED = "model.rescored"
    MODEL_COMPARED = "model.compared"
    MODEL_CANARY = "model.canary"
    KEY_ADDED = "key.added"
    KEY_REVOKED = "key.revoked"
    KEY_GIVEN_UP = "key.given-up"
    TABLET_ADDED = "tablet.added"
    TABLET_ENROLLED = "tablet.enrolled"
    TABLET_REVOKED = "tablet.revoked"
    ENVELOPE_OPENED = "envelope.opened"
    RECORDING_STORED = "recording.stored"
    RECORDING_OPENED = "recording.opened"
    RECORDING_ERASED = "recording.erased"
    INFERENCE_STORED = "inference.stored"
    INFERENCE_OPENED = "inference.opened"
    INFERENCE_REPLAYED = "inference.replayed"
    CONSENT_WITHDRAWN = "consent.withdrawn"
    RESULT_STORED = "result.stored"
    RESULT_DISAGREED = "result.disagreed"
    EXPORTED = "export.written"
    IMPORTED = "import.read"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """What a write has to say for itself; stored in the same transaction.

    Attributes:
        actor: a user id, a tablet id, or `console` (the CLI) or `box` (the worker).
        details: ids, counts and codes; never patient data.
    """

    at: datetime
    actor: str
    action: AuditAction
    entity: str
    entity_id: str
    details: Mapping[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One stored entry: its number, the hash before it and its own."""

    seq: int
    entry: AuditEntry
    previous: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditBreak:
    """The first place where the chain does not hold."""

    seq: int
    reason: str


def audited(
    action: AuditAction,
    entity_id: str,
    *,
    at: datetime,
    actor: str,
    **details: str | float | bool | None,
) -> AuditEntry:
    """Return the entry of an action; the entity is the action's first word.

    Args:
        action: what happened.
        entity_id: to which one.
        at: when.
        actor: a user or tablet id, `console` or `box`.
        details: ids, counts and codes; never patient data.
    """
    entity = action.value.partition(".")[0]
    return AuditEntry(
        at=at, actor=actor, action=action, entity=entity, entity_id=entity_id, details=details
    )


class AuditLine(NamedTuple):
    """A row as it is stored: texts, in the one spelling that `line_of` gives them."""

    seq: int
    at: str
    actor: str
    action: str
    entity: str
    entity_id: str
    details: str
    previous: str
    hash: str


def line_of(row: AuditRow) -> AuditLine:
    """Return how a row is stored: the instant in UTC with microseconds, the details as JSON."""
    entry = row.entry
    return AuditLine(
        seq=row.seq,
        at=entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        actor=entry.actor,
        action=entry.action.value,
        entity=entry.entity,
        entity_id=entry.entity_id,
        details=_compact(dict(entry.details)),
        previous=row.previous,
        hash=row.hash,
    )


def row_hash(seq: int, entry: AuditEntry, previous: str) -> str:
    """Return SHA-256 over the previous hash and the canonical JSON of the row (hex)."""
    canonical = _compact(
        [
            seq,
            entry.at.isoformat(),
            entry.actor,
            entry.action.value,
            entry.entity,
            entry.entity_id,
            dict(entry.details),
        ]
    )
    return hashlib.sha256(f"{previous}\n{canonical}".encode()).hexdigest()


def first_break(rows: Iterable[AuditRow], *, previous: str = GENESIS) -> AuditBreak | None:
    """Return the first row that was changed, removed, inserted or swapped; None if all hold.

    Args:
        rows: all rows in the order of their number, from 1 on.
        previous: the hash before the first of them.
    """
    return broken_line(map(line_of, rows), previous=previous)


def broken_line(lines: Iterable[AuditLine], *, previous: str = GENESIS) -> AuditBreak | None:
    """Return the first stored row that does not hold; None if all do. Never raises.

    Args:
        lines: all rows in the order of their number, from 1 on.
        previous: the hash before the first of them.
    """
    for expected, line in enumerate(lines, start=1):
        if line.seq != expected:
            return AuditBreak(seq=expected, reason="row missing or number changed")
        if line.previous != previous:
            return AuditBreak(seq=expected, reason="does not follow the row before it")
        if not _holds(line):
            return AuditBreak(seq=expected, reason="content differs from its hash")
        previous = line.hash
    return None


def _compact(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


_canonical: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _holds(line: AuditLine) -> bool:
    """Return whether content and hash of a stored row agree.

    The stored details are spelled as they were hashed: so most rows are hashed as they stand,
    and nothing is parsed. What then differs is read, written anew and compared as a whole.
    """
    seq, at, actor, action, entity, entity_id, details, previous, digest = line
    try:
        known = _canonical((seq, at, actor, action, entity, entity_id))
        hashed = f"{previous}\n{known[:-1]},{details}]".encode()
        return hashlib.sha256(hashed).hexdigest() == digest or _holds_anew(line)
    except (ValueError, TypeError):
        return False  # damage made it no text


def _holds_anew(line: AuditLine) -> bool:
    """Return whether a row holds whose spelling is not the one that was hashed.

    That are whole seconds, hashed without their microseconds, and the details of the first
    release, stored with spaces. Raises ValueError for what cannot be read.
    """
    entry = AuditEntry(
        at=datetime.fromisoformat(line.at),
        actor=line.actor,
        action=AuditAction(line.action),
        entity=line.entity,
        entity_id=line.entity_id,
        details=_details(line.details),
    )
    row = AuditRow(seq=line.seq, entry=entry, previous=line.previous, hash=line.hash)
    spaced = json.dumps(dict(entry.details), ensure_ascii=False, sort_keys=True)
    spelled = line_of(row)
    return (
        line in (spelled, spelled._replace(details=spaced))
        and row_hash(line.seq, entry, line.previous) == line.hash
    )


def _details(text: str) -> Mapping[str, str | int | float | bool | None]:
    """Return the details a row holds. Raises ValueError."""
    try:
        found = json.loads(text)
    except RecursionError as error:
        raise ValueError from error
    if not isinstance(found, dict):
        raise ValueError  # noqa: TRY004 - unreadable, whatever it is
    return found
