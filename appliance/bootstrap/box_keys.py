"""The keys that a box believes, and the one it signs with: which adapter reads and checks them."""

from __future__ import annotations

import secrets
from importlib.resources import files
from pathlib import Path
from typing import Final

from appliance.adapters import ed25519_signatures, key_files
from appliance.adapters.ed25519_signatures import read_key_file, verify
from appliance.adapters.p256_envelopes import P256Envelopes
from appliance.core.errors import OutboxKeyLost
from appliance.core.signing_key import BoxSigner, KeyScope, TrustedKey
from appliance.settings import Settings

OUTBOX_NOTE: Final = "outbox.given-out"
"""An empty file of the data directory, there from the first time the key is given out."""

is_signed_by = verify
"""Whether the owner of a public key signed these very bytes."""


def read_public_key(path: Path) -> bytes:
    """Return the 32 raw bytes of a public key's file. Raises FileMissing, InvalidRequest."""
    return ed25519_signatures.read_public_key(read_key_file(path))


def box_signer(settings: Settings) -> BoxSigner:
    """Return what signs for this box; its key is made on first need.

    Raises:
        SecretMissing: the key is damaged, or there is none and none can be made.
    """
    return key_files.box_signer(settings.keys, random_bytes=secrets.token_bytes)


def envelope_opener(settings: Settings) -> P256Envelopes:
    """Return what opens the items that tablets seal to this box.

    Its key is made on first need, never a second time: that it may be given out from now on is
    noted beside the database, where it outlives the key.

    Raises:
        OutboxKeyLost: it was given out before, and is gone.
        SecretMissing: the key is damaged, or there is none and none can be made.
    """
    refuse_lost_outbox_key(settings)
    opener = P256Envelopes(_outbox_secret(settings))
    key_files.note_given_out(settings.directory / OUTBOX_NOTE)
    return opener


def is_outbox_key_lost(settings: Settings) -> bool:
    """Return whether the key that tablets seal to was given out and is gone."""
    return key_files.is_outbox_key_lost(settings.keys, settings.directory / OUTBOX_NOTE)


def refuse_lost_outbox_key(settings: Settings) -> None:
    """Raise OutboxKeyLost if the key that tablets seal to was given out and is gone."""
    if is_outbox_key_lost(settings):
        raise OutboxKeyLost(file=key_files.OUTBOX_KEY)


def outbox_public_key(settings: Settings) -> bytes | None:
    """Return the public key that tablets seal to; None if there is none, or it is gone.

    Raises:
        SecretMissing: it is damaged.
    """
    if not key_files.has_outbox_key(settings.keys):
        return None
    return P256Envelopes(_outbox_secret(settings)).public_key


def make_outbox_key(settings: Settings) -> None:
    """Make the key that tablets seal to, if there is none. Raises SecretMissing."""
    _outbox_secret(settings)


def _outbox_secret(settings: Settings) -> bytes:
    return key_files.made_secret(
        settings.keys, key_files.OUTBOX_KEY, random_bytes=secrets.token_bytes
    )


def box_public_key(settings: Settings) -> bytes | None:
    """Return the public half of the box's signing key; None if it has none yet. SecretMissing."""
    return box_signer(settings).public_key if key_files.has_signing_key(settings.keys) else None


def demonstration_key() -> TrustedKey:
    """Return the public key of the demonstration; its private half is public by nature."""
    path = Path(str(files("appliance"))) / "demonstration" / "demonstration.pub"
    return TrustedKey(
        public_key=read_public_key(path), scope=KeyScope.DEMONSTRATION, name="demonstration"
    )
