"""Ed25519 keys of those who sign bundles: PEM files, as the box reads them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from appliance.core.errors import FieldError, FileMissing, InvalidRequest, TargetNotEmpty
from models.whole_file import write_whole


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """Where a new key lies.

    Attributes:
        private_path: PEM (PKCS #8), readable by its owner alone; never leaves the workstation.
        public_path: PEM; goes to the hospital, where `spira keys add` asks for the fingerprint.
        fingerprint: SHA-256 of the raw public key, in hex.
    """

    private_path: Path
    public_path: Path
    fingerprint: str


def keygen(private_path: Path) -> KeyPair:
    """Make a new key at `private_path`, and its public half beside it as `.pub`.

    Raises:
        InvalidRequest: the name is that of a public half.
        TargetNotEmpty: one of the two files exists; keys are never overwritten.
        TargetUnwritable, DiskFull.
    """
    public_path = private_path.with_suffix(".pub")
    if private_path == public_path:
        at_fault = FieldError(field="file", code="suffix", message="ends in .pub")
        raise InvalidRequest(
            f"{private_path.name} is the name of a public half; name the private one otherwise.",
            errors=(at_fault,),
        )
    if private_path.exists() or public_path.exists():
        raise TargetNotEmpty(f"A key named {private_path.name} is here already.")
    key = Ed25519PrivateKey.generate()
    private_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_whole(private_path, private_pem, mode=0o600)
    public_pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    write_whole(public_path, public_pem)
    return KeyPair(
        private_path=private_path, public_path=public_path, fingerprint=fingerprint_of(key)
    )


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """Return the key of a PEM file.

    Raises:
        FileMissing: it cannot be read.
        InvalidRequest: it holds no unencrypted Ed25519 private key.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileMissing(f"{path.name} cannot be read.", file=path.name) from error
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _no_key() from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key()
    return key


def fingerprint_of(key: Ed25519PrivateKey) -> str:
    """Return the SHA-256 of the raw public half, in hex."""
    return hashlib.sha256(key.public_key().public_bytes_raw()).hexdigest()


def _no_key() -> InvalidRequest:
    at_fault = FieldError(field="key", code="ed25519", message="no Ed25519 private key")
    return InvalidRequest("This is no Ed25519 private key.", errors=(at_fault,))
