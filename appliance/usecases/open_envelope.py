"""Take in what a tablet sealed: opened, it goes the very way of what is sent open."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from appliance.core.account import Role, User
from appliance.core.audit import AuditAction, audited
from appliance.core.author_pass import verified_pass
from appliance.core.envelope import ItemKind, Receipt, parse_sealed, split_plain
from appliance.core.errors import DigestMismatch, EnvelopeRefused, NotAllowed, UserNotFound
from appliance.core.ids import ProtocolId, RecordingId, Sha256, UserId
from appliance.ports import (
    AccountRecords,
    Clock,
    EnvelopeOpener,
    EnvelopeRecords,
    Stored,
)
from appliance.usecases.record import RecordingRequest

_KEYS = {
    ItemKind.RECORDING: {"kind", "id", "user_id", "author_pass", "sha256", "role", "protocol"},
    ItemKind.INFERENCE: {"kind", "id", "user_id", "author_pass", "sha256"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An item in the clear, with the author the box once signed in.

    Attributes:
        recording: what the head says of a recording; None of an inference.
        payload: a WAV, or the JSON of an inference; `sha256` is its own.
    """

    item_id: str
    kind: ItemKind
    author: User
    sha256: Sha256
    payload: bytes
    recording: RecordingRequest | None


def opened_envelope(
    item_id: str,
    content: bytes,
    *,
    opener: EnvelopeOpener,
    is_signed: Callable[[bytes, bytes], bool],
    accounts: AccountRecords,
) -> Opened:
    """Return what is in a sealed item, every part held against the others.

    An author whose sign-in, or account, has ended since is one still: work is not lost for it.

    Args:
        item_id: the UUID it came under, in its canonical spelling.
        content: as it came.
        opener: holds the key of this box.
        is_signed: whether this box signed these bytes with this signature.
        accounts: who may have written it.

    Raises:
        EnvelopeRefused: details.reason says why.
        DigestMismatch: the payload is not the one that was sealed.
        NotAllowed: the author is no nurse.
    """
    sealed = parse_sealed(content, public_key=opener.public_key)
    head, payload = split_plain(opener.open(sealed, item_id))
    said = _head(head, item_id)
    sha256 = Sha256(hashlib.sha256(payload).hexdigest())
    if said["sha256"] != sha256:
        raise DigestMismatch
    kind = ItemKind(said["kind"])
    author = _author(said, is_signed, accounts)
    recording = None
    if kind is ItemKind.RECORDING:
        recording = RecordingRequest(
            id=RecordingId(item_id),
            user_id=author.id,
            role=said["role"],
            protocol_id=ProtocolId(said["protocol"]),
            declared_sha256=sha256,
        )
    return Opened(
        item_id=item_id,
        kind=kind,
        author=author,
        sha256=sha256,
        payload=payload,
        recording=recording,
    )


def receipt_for(
    opened: Opened, *, bearer: str, clock: Clock, envelopes: EnvelopeRecords
) -> tuple[Receipt, Stored]:
    """Return the receipt of an item that is stored; to be called after that, and again at will.

    Args:
        opened: the item.
        bearer: who brought it, for the audit: a user, a tablet, or the console.

    Raises:
        ContentConflict: the id is here with other content.
    """
    now = clock()
    return envelopes.add_envelope(
        opened.item_id,
        opened.kind,
        user_id=opened.author.id,
        sha256=opened.sha256,
        at=now,
        audit=audited(
            AuditAction.ENVELOPE_OPENED,
            opened.item_id,
            at=now,
            actor=bearer,
            kind=opened.kind.value,
            author=opened.author.id,
        ),
    )


def _head(head: bytes, item_id: str) -> dict[str, str]:
    """Return the head of an item: exactly the texts its kind has. Raises EnvelopeRefused."""
    try:
        said: Any = json.loads(head)
        kind = ItemKind(said["kind"])
        # A lone surrogate can be escaped in JSON, but is no text that could be stored.
        json.dumps(said, ensure_ascii=False).encode()
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise EnvelopeRefused(reason="head") from error
    is_sound = (
        isinstance(said, dict)
        and said.keys() == _KEYS[kind]
        and all(isinstance(value, str) for value in said.values())
    )
    if not is_sound:
        raise EnvelopeRefused(reason="head")
    if said["id"] != item_id:
        raise EnvelopeRefused(reason="other-id")
    found: dict[str, str] = said
    return found


def _author(
    said: dict[str, str],
    is_signed: Callable[[bytes, bytes], bool],
    accounts: AccountRecords,
) -> User:
    author = verified_pass(said["author_pass"], is_signed=is_signed)
    if author.user_id != said["user_id"]:
        raise EnvelopeRefused(reason="author-pass")
    try:
        user = accounts.user(UserId(author.user_id))
    except UserNotFound as error:
        raise EnvelopeRefused(reason="author-pass") from error
    if user.role is not Role.NURSE:
        raise NotAllowed
    return user
