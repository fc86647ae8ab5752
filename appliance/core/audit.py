"""What happened, by whom, to what: rows chained by SHA-256 so that no change goes unseen.

Rows hold ids and codes only, never patient data.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

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
    KEY_ADDED = "key.added"
    KEY_REVOKED = "key.revoked"
    RECORDING_STORED = "recording.stored"
    RECORDING_OPENED = "recording.opened"
    RECORDING_ERASED = "recording.erased"
    INFERENCE_STORED = "inference.stored"
    INFERENCE_OPENED = "inference.opened"
    CONSENT_WITHDRAWN = "consent.withdrawn"
    RESULT_STORED = "result.stored"
    EXPORTED = "export.written"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """What a write has to say for itself; stored in the same transaction.

    Attributes:
        actor: a user id, or `console` (the CLI) or `box` (the worker).
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
        actor: a user id, `console` or `box`.
        details: ids, counts and codes; never patient data.
    """
    entity = action.value.partition(".")[0]
    return AuditEntry(
        at=at, actor=actor, action=action, entity=entity, entity_id=entity_id, details=details
    )


def row_hash(seq: int, entry: AuditEntry, previous: str) -> str:
    """Return SHA-256 over the previous hash and the canonical JSON of the row (hex)."""
    canonical = json.dumps(
        [
            seq,
            entry.at.isoformat(),
            entry.actor,
            entry.action.value,
            entry.entity,
            entry.entity_id,
            dict(entry.details),
        ],
        ensure_ascii=False,
        separators=(",", ":"),
        sort_keys=True,
    )
    return hashlib.sha256(f"{previous}\n{canonical}".encode()).hexdigest()


def first_break(rows: Iterable[AuditRow], *, previous: str = GENESIS) -> AuditBreak | None:
    """Return the first row that was changed, removed, inserted or swapped; None if all hold.

    Args:
        rows: all rows in the order of their number, from 1 on.
        previous: the hash before the first of them.
    """
    for expected, row in enumerate(rows, start=1):
        if row.seq != expected:
            return AuditBreak(seq=expected, reason="row missing or number changed")
        if row.previous != previous:
            return AuditBreak(seq=row.seq, reason="does not follow the row before it")
        if row.hash != row_hash(row.seq, row.entry, previous):
            return AuditBreak(seq=row.seq, reason="content differs from its hash")
        previous = row.hash
    return None
