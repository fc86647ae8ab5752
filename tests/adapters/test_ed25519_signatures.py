"""Signatures against the vectors of RFC 8032, and key files that are none."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from hypothesis import given
from hypothesis import strategies as st

from appliance.adapters.ed25519_signatures import (
    generate,
    public_half,
    public_pem,
    read_key_file,
    read_public_key,
    sign,
    verify,
)
from appliance.core.errors import FileMissing, InvalidRequest
from appliance.core.signing_key import KeyScope, TrustedKey

# RFC 8032, section 7.1, test 3.
PUBLIC = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
MESSAGE = bytes.fromhex("af82")
SIGNATURE = bytes.fromhex(
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
)
PRIVATE_PEM, PUBLIC_KEY = generate()


def test_the_standards_vector_holds() -> None:
    """And not one bit of key, message or signature may differ."""
    assert verify(PUBLIC, MESSAGE, SIGNATURE)
    for at in range(8 * len(SIGNATURE)):
        changed = bytearray(SIGNATURE)
        changed[at // 8] ^= 1 << at % 8
        assert not verify(PUBLIC, MESSAGE, bytes(changed))
    for at in range(8 * len(PUBLIC)):
        changed = bytearray(PUBLIC)
        changed[at // 8] ^= 1 << at % 8
        assert not verify(bytes(changed), MESSAGE, SIGNATURE)
    assert not verify(PUBLIC, MESSAGE + b"\0", SIGNATURE)


@given(st.binary(max_size=200), st.binary(max_size=80))
def test_only_the_owner_signs(content: bytes, guess: bytes) -> None:
    """What was signed is verified, other content and guessed signatures are not."""
    signature = sign(PRIVATE_PEM, content)
    assert verify(PUBLIC_KEY, content, signature)
    assert sign(PRIVATE_PEM, content) == signature
    assert not verify(PUBLIC_KEY, content + b"x", signature)
    assert not verify(PUBLIC, content, signature)
    assert not verify(PUBLIC_KEY, content, guess)
    assert not verify(guess, content, signature)


def test_a_public_key_is_read_as_it_was_written() -> None:
    """As PEM, or as base64 on one line."""
    assert public_half(PRIVATE_PEM) == PUBLIC_KEY
    assert read_public_key(public_pem(PUBLIC_KEY)) == PUBLIC_KEY
    assert read_public_key(base64.b64encode(PUBLIC_KEY) + b"\n") == PUBLIC_KEY


def test_every_key_is_another() -> None:
    """Keys are random."""
    assert len({generate()[1] for _ in range(20)}) == 20


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not base64!",
        base64.b64encode(b"short"),
        base64.b64encode(bytes(33)),
        b"-----BEGIN PUBLIC KEY-----\nbroken\n-----END PUBLIC KEY-----\n",
        PRIVATE_PEM,
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ],
)
def test_what_is_no_public_key_is_refused(content: bytes) -> None:
    """Broken, too short, private, or of another kind."""
    with pytest.raises(InvalidRequest):
        read_public_key(content)


def test_what_is_no_private_key_is_refused() -> None:
    """Another kind, an encrypted one, or none."""
    other = ec.generate_private_key(ec.SECP256R1())
    locked = load_pem_private_key(PRIVATE_PEM, password=None)
    for pem in (
        b"",
        public_pem(PUBLIC_KEY),
        other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        locked.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")),
    ):
        with pytest.raises(InvalidRequest):
            sign(pem, b"content")


def test_key_files_are_short_and_there(tmp_path: Path) -> None:
    """A missing file and a long one are named, not read."""
    path = tmp_path / "key.pub"
    with pytest.raises(FileMissing):
        read_key_file(path)
    path.write_bytes(public_pem(PUBLIC_KEY))
    assert read_public_key(read_key_file(path)) == PUBLIC_KEY
    path.write_bytes(bytes(100_000))
    with pytest.raises(InvalidRequest):
        read_key_file(path)


def test_a_fingerprint_names_the_key() -> None:
    """SHA-256 of its 32 bytes, as `sha256sum` would say."""
    key = TrustedKey(public_key=bytes(32), scope=KeyScope.CLINICAL, name="zeros")
    assert key.fingerprint == "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925"
    assert key.may_sign(demonstration=True)
    assert key.may_sign(demonstration=False)
    demonstration = TrustedKey(public_key=bytes(32), scope=KeyScope.DEMONSTRATION, name="demo")
    assert demonstration.may_sign(demonstration=True)
    assert not demonstration.may_sign(demonstration=False)
