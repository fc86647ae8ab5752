"""Passwords under argon2id: slow on purpose, and at most two at a time."""

from __future__ import annotations

import base64
import logging
import secrets
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

import argon2
from argon2.exceptions import (
    HashingError,
    InvalidHashError,
    VerificationError,
    VerifyMismatchError,
)

N_SALT_BYTES: Final = 16
N_TAG_BYTES: Final = 32
N_AT_ONCE: Final = 2

_log = logging.getLogger(__name__)


class Argon2Passwords:
    """Hashes and compares; may be used from any thread."""

    def __init__(
        self,
        *,
        n_passes: int = 3,
        memory_kib: int = 65_536,
        n_lanes: int = 1,
        slots: AbstractContextManager[object] | None = None,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """Fix the cost of every new hash.

        The defaults lie above the least that OWASP ASVS 5.0, appendix C, asks for (t=3 with
        12 MiB); two at once keep the memory of a flood of sign-ins at 128 MiB.

        Args:
            n_passes: argon2's t.
            memory_kib: argon2's m.
            n_lanes: argon2's p.
            slots: held while a hash runs; by default there are `N_AT_ONCE`.
            random_bytes: a cryptographic source.
        """
        self._argon2id = argon2.PasswordHasher(
            time_cost=n_passes,
            memory_cost=memory_kib,
            parallelism=n_lanes,
            hash_len=N_TAG_BYTES,
            salt_len=N_SALT_BYTES,
            type=argon2.Type.ID,
        )
        self._random_bytes = random_bytes
        self._slots = slots or threading.BoundedSemaphore(N_AT_ONCE)
        # Costs a full comparison and fits no password: its tag is random, nothing was hashed.
        parts = (_base64(random_bytes(N_SALT_BYTES)), _base64(random_bytes(N_TAG_BYTES)))
        cost = f"m={memory_kib},t={n_passes},p={n_lanes}"
        self._nobodys = "$".join(("", "argon2id", "v=19", cost, *parts))

    def hash(self, password: str) -> str:
        """Return the encoded hash of a password in NFC, under a fresh salt.

        Raises:
            MemoryError: the box has not the memory just now.
        """
        salt = self._random_bytes(N_SALT_BYTES)
        try:
            with self._slots:
                return self._argon2id.hash(_bytes(password), salt=salt)
        except HashingError as error:
            raise MemoryError("argon2 could not hash") from error

    def verify(self, encoded: str | None, password: str) -> bool:
        """Compare; with None, spend the same time and return False (unknown user).

        A stored hash that is damaged fits no password either, takes as long, and is logged.

        Raises:
            MemoryError: the box has not the memory just now.
        """
        right = self._fits(encoded or self._nobodys, password)
        if right is None:
            _log.error("password-hash-damaged")
            right = self._fits(self._nobodys, password)
        return bool(right) and encoded is not None

    def _fits(self, encoded: str, password: str) -> bool | None:
        """Return whether the password fits; None if the hash is no hash."""
        try:
            with self._slots:
                return self._argon2id.verify(encoded.encode(), _bytes(password))
        except VerifyMismatchError:
            return False
        except InvalidHashError:
            return None
        except VerificationError as error:
            if "Memory" in str(error):
                raise MemoryError("argon2 could not verify") from error
            return None


def _bytes(password: str) -> bytes:
    """Return any string's bytes, lone surrogates of hostile clients included."""
    return password.encode("utf-8", "surrogatepass")


def _base64(content: bytes) -> str:
    """Return base64 as the PHC string format has it, without padding."""
    return base64.b64encode(content).decode().rstrip("=")
