"""Keys of those who sign bundles."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from appliance.core.errors import FileMissing, InvalidRequest, TargetNotEmpty, TargetUnwritable
from models.signing import fingerprint_of, keygen, read_private_key


def test_a_new_key_signs_what_its_public_half_verifies(tmp_path: Path) -> None:
    """The two files belong together, and the fingerprint is of both."""
    pair = keygen(tmp_path / "author.key")
    key = read_private_key(pair.private_path)
    public = load_pem_public_key(pair.public_path.read_bytes())
    public.verify(key.sign(b"manifest"), b"manifest")  # type: ignore[union-attr, call-arg]
    assert fingerprint_of(key) == pair.fingerprint


def test_the_private_half_is_its_owners_alone(tmp_path: Path) -> None:
    """Nobody else on the workstation can read it."""
    pair = keygen(tmp_path / "author.key")
    assert pair.private_path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("present", ["author.key", "author.pub"])
def test_a_key_is_never_overwritten(tmp_path: Path, present: str) -> None:
    """What is there stays as it is."""
    (tmp_path / present).write_bytes(b"precious")
    with pytest.raises(TargetNotEmpty):
        keygen(tmp_path / "author.key")
    assert [f.read_bytes() for f in tmp_path.iterdir()] == [b"precious"]


def test_a_key_cannot_be_written_where_a_file_is_in_the_way(tmp_path: Path) -> None:
    """The file system's refusal comes out as ours."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(TargetUnwritable):
        keygen(tmp_path / "file" / "author.key")


def test_what_is_no_private_key_is_refused(tmp_path: Path) -> None:
    """A missing file and a public key are told apart."""
    with pytest.raises(FileMissing):
        read_private_key(tmp_path / "nothing.key")
    pair = keygen(tmp_path / "author.key")
    with pytest.raises(InvalidRequest):
        read_private_key(pair.public_path)
