"""The box's own secrets: 32 random bytes a file and their check, made once, read at start."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.core.errors import SecretMissing
from appliance.core.signing_key import BoxSigner

N_SECRET_BYTES = 32
N_CHECK_BYTES = 8
TOKEN_SECRET = "token.key"  # noqa: S105 - a file name
PSEUDONYM_KEY = "pseudonym.key"
SECRETS = (TOKEN_SECRET, PSEUDONYM_KEY)
BOX_SIGNING_KEY = "box-signing.key"
"""The seed of the Ed25519 key (RFC 8032) with which the box signs what it says elsewhere."""
OUTBOX_KEY = "outbox.key"
"""The seed of the P-256 key that tablets seal to. Lost, what they still hold cannot be opened."""
MADE_ON_NEED = (BOX_SIGNING_KEY, OUTBOX_KEY)


def make_secrets(directory: Path, *, random_bytes: Callable[[int], bytes]) -> None:
    """Make the directory (0700) and its secrets (0600), durable on return.

    Args:
        directory: `keys/` of the data directory; secrets that are there stay as they are.
        random_bytes: a cryptographic source.
    """
    directory.mkdir(mode=0o700, exist_ok=True)
    for name in (*SECRETS, *MADE_ON_NEED):
        _make(directory, name, random_bytes)


def read_secret(directory: Path, name: str) -> bytes:
    """Return the 32 bytes of a secret.

    A file of 40 bytes ends with the first 8 of the secret's SHA-256; one of 32, made by hand or
    by an earlier release, cannot be checked.

    Raises:
        SecretMissing: the file is missing, unreadable, or not as it was made.
    """
    try:
        content = (directory / name).read_bytes()
    except OSError as error:
        raise SecretMissing(file=name) from error
    secret = content[:N_SECRET_BYTES]
    if len(content) != N_SECRET_BYTES and content != _with_check(secret):
        raise SecretMissing(f"{name} is damaged.", file=name)
    return secret


def box_signer(directory: Path, *, random_bytes: Callable[[int], bytes]) -> BoxSigner:
    """Return what signs for the box; its key is made now if there is none yet.

    Raises:
        SecretMissing: it is damaged, or cannot be made: the directory may be read-only.
    """
    secret = made_secret(directory, BOX_SIGNING_KEY, random_bytes=random_bytes)
    key = Ed25519PrivateKey.from_private_bytes(secret)
    return BoxSigner(public_key=key.public_key().public_bytes_raw(), sign=key.sign)


def made_secret(directory: Path, name: str, *, random_bytes: Callable[[int], bytes]) -> bytes:
    """Return the 32 bytes of a secret that is made now if there is none yet.

    Raises:
        SecretMissing: it is damaged, or cannot be made: the directory may be read-only.
    """
    if not (directory / name).exists():
        try:
            _make(directory, name, random_bytes)
        except OSError as error:
            raise SecretMissing(f"{name} is missing and cannot be made here.", file=name) from error
    return read_secret(directory, name)


def is_outbox_key_lost(directory: Path, note: Path) -> bool:
    """Return whether the key that tablets seal to was given out and is not there any more.

    Args:
        directory: `keys/` of the data directory, or where systemd puts its files.
        note: of `note_given_out`.
    """
    return note.exists() and not has_outbox_key(directory)


def note_given_out(note: Path) -> None:
    """Leave word, durable on return, that tablets may hold what only this key opens.

    Raises:
        SecretMissing: that cannot be written; the key must not be given out.
    """
    if note.exists():
        return
    try:
        os.close(os.open(note, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))
        _sync(note.parent)
    except OSError as error:
        message = f"{note.name} cannot be written, so that {OUTBOX_KEY} is not given out."
        raise SecretMissing(message, file=OUTBOX_KEY) from error


def has_outbox_key(directory: Path) -> bool:
    """Return whether there is a key that tablets seal to, whole or not."""
    return (directory / OUTBOX_KEY).exists()


def has_signing_key(directory: Path) -> bool:
    """Return whether the box has a signing key, whole or not."""
    return (directory / BOX_SIGNING_KEY).exists()


def unchecked_secrets(directory: Path) -> tuple[str, ...]:
    """Return the names of the secrets in which a flipped bit could not be seen."""
    sizes = {
        name: (directory / name).stat().st_size
        for name in (*SECRETS, *MADE_ON_NEED)
        if (directory / name).is_file()
    }
    return tuple(name for name, n_bytes in sizes.items() if n_bytes == N_SECRET_BYTES)


def missing_secrets(directory: Path) -> tuple[str, ...]:
    """Return the names of the secrets that cannot be read, or are damaged.

    What is made when it is needed is named only when it is damaged.
    """
    made = tuple(name for name in MADE_ON_NEED if (directory / name).exists())
    needed = (*SECRETS, *made)
    return tuple(name for name in needed if _is_missing(directory, name))


def _is_missing(directory: Path, name: str) -> bool:
    try:
        read_secret(directory, name)
    except SecretMissing:
        return True
    return False


def _with_check(secret: bytes) -> bytes:
    return secret + hashlib.sha256(secret).digest()[:N_CHECK_BYTES]


def _make(directory: Path, name: str, random_bytes: Callable[[int], bytes]) -> None:
    """Make a secret, durable on return, whole or not at all; one that is there stays."""
    if (directory / name).exists():
        return
    new = directory / f".{name}-{secrets.token_hex(8)}"
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_with_check(random_bytes(N_SECRET_BYTES)))
            file.flush()
            os.fsync(file.fileno())
        # Not a rename: of two processes that make it at once, the first one's stays.
        with suppress(FileExistsError):
            os.link(new, directory / name)
    finally:
        new.unlink()
    _sync(directory)


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
