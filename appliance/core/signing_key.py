"""Public keys whose signatures on bundles a box believes, and for what."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

N_PUBLIC_KEY_BYTES: Final = 32
N_SIGNATURE_BYTES: Final = 64


def fingerprint_of(public_key: bytes) -> str:
    """Return SHA-256 of the raw public key in hexadecimal: what is read aloud and typed back."""
    return hashlib.sha256(public_key).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxSigner:
    """The key that signs for a box.

    Attributes:
        public_key: its 32 raw bytes.
        sign: returns the 64 bytes of its signature on some bytes.
    """

    public_key: bytes
    sign: Callable[[bytes], bytes]


class KeyScope(StrEnum):
    """What a key may sign: anything, or only what says `demonstration: true`."""

    CLINICAL = "clinical"
    DEMONSTRATION = "demonstration"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """An Ed25519 public key (RFC 8032), with the name people know it by.

    Attributes:
        public_key: its 32 raw bytes.
    """

    public_key: bytes
    scope: KeyScope
    name: str

    @property
    def fingerprint(self) -> str:
        """What is read aloud and typed back."""
        return fingerprint_of(self.public_key)

    def may_sign(self, *, demonstration: bool) -> bool:
        """Return whether a bundle of this kind may carry its signature."""
        return demonstration or self.scope is KeyScope.CLINICAL
