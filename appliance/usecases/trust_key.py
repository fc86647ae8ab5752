"""Trust the key of somebody who makes models for patients."""

from __future__ import annotations

from typing import Final

from appliance.core.audit import AuditAction, audited
from appliance.core.errors import FieldError, InvalidRequest, KeyPublic
from appliance.core.signing_key import TrustedKey
from appliance.ports import Clock, KeyRecords, Stored

MAX_NAME_CHARACTERS: Final = 128


def trust_key(
    key: TrustedKey, *, demonstration: TrustedKey, actor: str, clock: Clock, keys: KeyRecords
) -> Stored:
    """Believe bundles that this key signs; trusting it again changes nothing.

    Args:
        key: whose fingerprint a person compared with what its owner told.
        demonstration: the key that ships with this release, which only `spira init --demo` trusts.
        actor: who does it.
        clock: the present.
        keys: those the box trusts.

    Raises:
        KeyPublic: it is the demonstration's.
        InvalidRequest: its name is empty, too long or not printable.
        KeyRevoked, ContentConflict.
    """
    if key.fingerprint == demonstration.fingerprint:
        raise KeyPublic(fingerprint=key.fingerprint)
    if not key.name.strip() or len(key.name) > MAX_NAME_CHARACTERS or not key.name.isprintable():
        message = f"1 to {MAX_NAME_CHARACTERS} printable characters"
        raise InvalidRequest(
            "The key's name is not valid.",
            errors=(FieldError(field="name", code="length", message=message),),
        )
    entry = audited(
        AuditAction.KEY_ADDED, key.fingerprint, at=clock(), actor=actor, scope=key.scope.value
    )
    return keys.add_key(key, audit=entry)
