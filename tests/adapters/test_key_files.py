"""The box's secrets: made once, private, and missed by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.adapters.key_files import SECRETS, TOKEN_SECRET, make_secrets, read_secret
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
