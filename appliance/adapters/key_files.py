"""The box's own secrets: 32 random bytes a file, made once, read at start."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from appliance.core.errors import SecretMissing

N_SECRET_BYTES = 32
TOKEN_SECRET = "token.key"  # noqa: S105 - a file name
PSEUDONYM_KEY = "pseudonym.key"
SECRETS = (TOKEN_SECRET, PSEUDONYM_KEY)


def make_secrets(directory: Path, *, random_bytes: Callable[[int], bytes]) -> None:
    """Make the directory (0700) and both secrets (0600), durable on return.

    Args:
        directory: `keys/` of the data directory; secrets that are there stay as they are.
        random_bytes: a cryptographic source.
    """
    directory.mkdir(mode=0o700, exist_ok=True)
    for name in SECRETS:
        if not (directory / name).exists():
            _write(directory / name, random_bytes(N_SECRET_BYTES))
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_secret(directory: Path, name: str) -> bytes:
    """Return the 32 bytes of a secret.

    Raises:
        SecretMissing: the file is missing, unreadable, or not 32 bytes long.
    """
    try:
        secret = (directory / name).read_bytes()
    except OSError as error:
        raise SecretMissing(file=name) from error
    if len(secret) != N_SECRET_BYTES:
        raise SecretMissing(f"{name} is damaged.", file=name)
    return secret


def missing_secrets(directory: Path) -> tuple[str, ...]:
    """Return the names of the secrets that cannot be read, or are damaged."""
    return tuple(name for name in SECRETS if _is_missing(directory, name))


def _is_missing(directory: Path, name: str) -> bool:
    try:
        read_secret(directory, name)
    except SecretMissing:
        return True
    return False


def _write(path: Path, secret: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
