"""The box's secrets: made once, private, and missed by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.adapters.ed25519_signatures import verify
from appliance.adapters.key_files import (
    BOX_SIGNING_KEY,
    MADE_ON_NEED,
    SECRETS,
    TOKEN_SECRET,
    box_signer,
    make_secrets,
    missing_secrets,
    read_secret,
    unchecked_secrets,
)
from appliance.core.errors import SecretMissing


def test_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    """What is there stays: a new secret would match nothing the box has given out."""
    make_secrets(tmp_path / "keys", random_bytes=lambda n_bytes: b"a" * n_bytes)
    make_secrets(tmp_path / "keys", random_bytes=lambda n_bytes: b"b" * n_bytes)

    for name in SECRETS:
        assert read_secret(tmp_path / "keys", name) == b"a" * 32
        assert (tmp_path / "keys" / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [None, b"", b"short", b"a" * 33])
def test_a_secret_that_is_gone_or_damaged_is_named(tmp_path: Path, content: bytes | None) -> None:
    """The box was initialised: it lacks one file, which a backup has."""
    if content is not None:
        (tmp_path / TOKEN_SECRET).write_bytes(content)
    with pytest.raises(SecretMissing) as missing:
        read_secret(tmp_path, TOKEN_SECRET)
    assert missing.value.details["file"] == TOKEN_SECRET


def test_a_flipped_bit_is_never_a_secret(tmp_path: Path) -> None:
    """Of a file with its check; one of 32 bytes, as of old, is taken as it is."""
    make_secrets(tmp_path, random_bytes=bytes)
    path = tmp_path / TOKEN_SECRET
    content = path.read_bytes()
    for bit in range(8 * len(content)):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        with pytest.raises(SecretMissing):
            read_secret(tmp_path, TOKEN_SECRET)
    path.write_bytes(content[:32])
    assert read_secret(tmp_path, TOKEN_SECRET) == bytes(32)
    assert unchecked_secrets(tmp_path) == (TOKEN_SECRET,)


def test_the_signing_key_is_made_on_first_need(tmp_path: Path) -> None:
    """And stays; where it cannot be made, that is said."""
    make_secrets(tmp_path, random_bytes=os.urandom)
    (tmp_path / BOX_SIGNING_KEY).unlink()
    assert missing_secrets(tmp_path) == ()
    first = box_signer(tmp_path, random_bytes=os.urandom)
    again = box_signer(tmp_path, random_bytes=os.urandom)
    assert first.public_key == again.public_key
    assert verify(first.public_key, b"content", again.sign(b"content"))
    assert {path.name for path in tmp_path.iterdir()} == {*SECRETS, *MADE_ON_NEED}
    with pytest.raises(SecretMissing, match="cannot be made"):
        box_signer(tmp_path / "elsewhere", random_bytes=os.urandom)
