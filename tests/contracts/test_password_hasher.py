"""The contract of PasswordHasher, kept by argon2id and by the fake."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.adapters.argon2_passwords import Argon2Passwords
from appliance.ports import PasswordHasher
from tests.fakes_io import FakePasswordHasher

HASHERS: dict[str, Callable[[], PasswordHasher]] = {
    "argon2id": lambda: Argon2Passwords(n_passes=1, memory_kib=8),
    "fake": FakePasswordHasher,
}
of_each = pytest.mark.parametrize("make", HASHERS.values(), ids=HASHERS)
passwords = st.text(st.characters(), max_size=80)


@of_each
@settings(max_examples=20)
@given(password=passwords, other=passwords)
def test_only_the_password_itself_fits(
    make: Callable[[], PasswordHasher], password: str, other: str
) -> None:
    """Any text can be a password, and another text does not fit its hash."""
    hasher = make()
    encoded = hasher.hash(password)

    assert hasher.verify(encoded, password)
    assert hasher.verify(encoded, other) == (other == password)


@of_each
def test_equal_passwords_have_different_hashes(make: Callable[[], PasswordHasher]) -> None:
    """A salt keeps two users with one password apart."""
    hasher = make()
    assert hasher.hash("correct horse battery") != hasher.hash("correct horse battery")


@of_each
def test_an_unknown_user_never_gets_in(make: Callable[[], PasswordHasher]) -> None:
    """Without a stored hash nothing fits, the empty password included."""
    hasher = make()
    assert hasher.verify(None, "anything") is False
    assert hasher.verify(None, "") is False


@of_each
@pytest.mark.parametrize("damaged", ["", "x", "$argon2id$", "$argon2id$v=19$m=8,t=1,p=1$AAAA", "é"])
def test_a_damaged_hash_fits_nothing(make: Callable[[], PasswordHasher], damaged: str) -> None:
    """Bit rot in a row locks its user out, and never lets anyone in."""
    assert make().verify(damaged, "password") is False
    assert make().verify(damaged, "") is False


@of_each
@pytest.mark.parametrize("password", ["", "\ud800", "senha com espaços  ", "\0", "x" * 10_000])
def test_odd_text_is_compared_like_any_other(
    make: Callable[[], PasswordHasher], password: str
) -> None:
    """Nothing is cut, trimmed or a fault: not even half a surrogate pair."""
    hasher = make()
    assert hasher.verify(hasher.hash(password), password)
    assert not hasher.verify(hasher.hash(password), password + "x")
