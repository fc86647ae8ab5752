"""Ed25519 signatures (RFC 8032) on bundles, and the files their keys live in."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from appliance.core.errors import FieldError, FileMissing, InvalidRequest
from appliance.core.signing_key import N_PUBLIC_KEY_BYTES, N_SIGNATURE_BYTES

_MAX_KEY_FILE_BYTES = 16 * 1024


def verify(public_key: bytes, content: bytes, signature: bytes) -> bool:
    """Return whether the owner of the key signed these very bytes.

    Args:
        public_key: 32 raw bytes; anything that is no key has signed nothing.
        content: what was signed.
        signature: 64 raw bytes.
    """
    if len(signature) != N_SIGNATURE_BYTES or len(public_key) != N_PUBLIC_KEY_BYTES:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def sign(private_pem: bytes, content: bytes) -> bytes:
    """Return the 64 bytes of the signature; the same key and content give the same bytes.

    Raises:
        InvalidRequest: the PEM is no unencrypted Ed25519 private key.
    """
    return _private_key(private_pem).sign(content)


def generate() -> tuple[bytes, bytes]:
    """Return a new key: its private half as PEM (PKCS #8), its public half as 32 raw bytes."""
    key = Ed25519PrivateKey.generate()
    private_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private_pem, key.public_key().public_bytes_raw()


def public_half(private_pem: bytes) -> bytes:
    """Return the 32 raw bytes of the public key. Raises InvalidRequest."""
    return _private_key(private_pem).public_key().public_bytes_raw()


def public_pem(public_key: bytes) -> bytes:
    """Return the public key as PEM (SubjectPublicKeyInfo).

    Raises:
        InvalidRequest: these are not the 32 bytes of a key.
    """
    try:
        key = Ed25519PublicKey.from_public_bytes(public_key)
    except ValueError as error:
        raise _no_key("public") from error
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def read_public_key(content: bytes) -> bytes:
    """Return the 32 raw bytes of a public key written as PEM or as base64 on one line.

    Raises:
        InvalidRequest: it is neither.
    """
    try:
        if content.lstrip().startswith(b"-----BEGIN"):
            key = load_pem_public_key(content)
        else:
            raw = base64.b64decode(content.strip(), validate=True)
            key = Ed25519PublicKey.from_public_bytes(raw)
    except (ValueError, binascii.Error, UnsupportedAlgorithm) as error:
        raise _no_key("public") from error
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key("public")
    return key.public_bytes_raw()


def read_key_file(path: Path) -> bytes:
    """Return the contents of a key file.

    Raises:
        FileMissing: it cannot be read.
        InvalidRequest: it is longer than any key.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_KEY_FILE_BYTES + 1)
    except OSError as error:
        raise FileMissing(file=path.name) from error
    if len(content) > _MAX_KEY_FILE_BYTES:
        raise _no_key("key")
    return content


def _private_key(private_pem: bytes) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(private_pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _no_key("private") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key("private")
    return key


def _no_key(half: str) -> InvalidRequest:
    at_fault = FieldError(field="key", code="ed25519", message=f"no Ed25519 {half} key")
    return InvalidRequest(f"This is no Ed25519 {half} key.", errors=(at_fault,))
