"""The keys that a box believes, and the one it signs with: which adapter reads and checks them."""

from __future__ import annotations

import secrets
from importlib.resources import files
from pathlib import Path

from appliance.adapters import ed25519_signatures, key_files
from appliance.adapters.ed25519_signatures import read_key_file, verify
from appliance.adapters.p256_envelopes import P256Envelopes
from appliance.core.signing_key import BoxSigner, KeyScope, TrustedKey
from appliance.settings import Settings

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

    Its key is made with the box and never again: a new one would open nothing of what waits.

    Raises:
        SecretMissing: the key is missing or damaged.
    """
    return P256Envelopes(key_files.read_secret(settings.keys, key_files.OUTBOX_KEY))


def box_public_key(settings: Settings) -> bytes | None:
    """Return the public half of the box's signing key; None if it has none yet. SecretMissing."""
    return box_signer(settings).public_key if key_files.has_signing_key(settings.keys) else None


def demonstration_key() -> TrustedKey:
    """Return the public key of the demonstration; its private half is public by nature."""
    path = Path(str(files("appliance"))) / "demonstration" / "demonstration.pub"
    return TrustedKey(
        public_key=read_public_key(path), scope=KeyScope.DEMONSTRATION, name="demonstration"
    )
