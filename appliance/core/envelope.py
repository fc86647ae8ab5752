"""A sealed item as it travels: what a tablet encrypted to its box, and what is in it.

Layout: "SPE1", 8 bytes that name the box's key, 65 bytes of a one-time public key, 12 bytes of
nonce, then the ciphertext with its tag. Inside: the length of the head (4 bytes, big-endian), the
head as JSON, the payload: a WAV, or the JSON of an inference.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from appliance.core.errors import EnvelopeRefused
from appliance.core.ids import Sha256, UserId
from appliance.core.wav import MAX_BYTES

MAGIC: Final = b"SPE1"
ALGORITHM: Final = "ECDH-P256+HKDF-SHA256+A256GCM"
N_KEY_BYTES: Final = 32
N_POINT_BYTES: Final = 65
N_TAG_BYTES: Final = 16
MAX_HEAD_BYTES: Final = 4096
MAX_SEALED_BYTES: Final = MAX_BYTES + MAX_HEAD_BYTES + 256
"""The largest recording, its head and what sealing adds."""

_N_ID_BYTES: Final = 8
_N_NONCE_BYTES: Final = 12
_N_LENGTH_BYTES: Final = 4
_N_HEADER_BYTES: Final = len(MAGIC) + _N_ID_BYTES + N_POINT_BYTES + _N_NONCE_BYTES


class ItemKind(StrEnum):
    """What is sealed."""

    RECORDING = "recording"
    INFERENCE = "inference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """An item whose layout is sound; nothing of it is known yet.

    Attributes:
        header: everything before the ciphertext, as it came.
    """

    header: bytes
    ephemeral_key: bytes
    nonce: bytes
    ciphertext: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """That an item is on disk: the `seq`-th the box took in; `sha256` is of its payload."""

    item_id: str
    kind: ItemKind
    user_id: UserId
    sha256: Sha256
    seq: int


def key_id(public_key: bytes) -> bytes:
    """Return the 8 bytes by which an item names the key it is sealed to."""
    return hashlib.sha256(public_key).digest()[:_N_ID_BYTES]


def derivation_label(item_id: str) -> bytes:
    """Return what sets the key of one item apart from all others."""
    return f"spira-envelope-1 {item_id}".encode("ascii")


def parse_sealed(content: bytes, *, public_key: bytes) -> Sealed:
    """Return the parts of a sealed item.

    Args:
        content: as it came.
        public_key: the 65 bytes of the key it has to be sealed to.

    Raises:
        EnvelopeRefused: details.reason is `format`, `too-large` or `other-box`.
    """
    if len(content) > MAX_SEALED_BYTES:
        raise EnvelopeRefused(reason="too-large")
    if len(content) < _N_HEADER_BYTES + N_TAG_BYTES or not content.startswith(MAGIC):
        raise EnvelopeRefused(reason="format")
    at = len(MAGIC)
    named, at = content[at : at + _N_ID_BYTES], at + _N_ID_BYTES
    if named != key_id(public_key):
        raise EnvelopeRefused(reason="other-box")
    ephemeral, at = content[at : at + N_POINT_BYTES], at + N_POINT_BYTES
    return Sealed(
        header=content[:_N_HEADER_BYTES],
        ephemeral_key=ephemeral,
        nonce=content[at:_N_HEADER_BYTES],
        ciphertext=content[_N_HEADER_BYTES:],
    )


def split_plain(plain: bytes) -> tuple[bytes, bytes]:
    """Return head and payload of an opened item. Raises EnvelopeRefused (`head`)."""
    n_head = int.from_bytes(plain[:_N_LENGTH_BYTES], "big")
    end = _N_LENGTH_BYTES + n_head
    if len(plain) < _N_LENGTH_BYTES or n_head > MAX_HEAD_BYTES or len(plain) < end:
        raise EnvelopeRefused(reason="head")
    return plain[_N_LENGTH_BYTES:end], plain[end:]
