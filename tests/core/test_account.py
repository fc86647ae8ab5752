"""What makes a password good enough, and an address one."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.account import (
    MAX_PASSWORD_CHARACTERS,
    MIN_PASSWORD_CHARACTERS,
    check_email,
    check_password,
)
from appliance.core.errors import EmailMalformed, WeakPassword

REFUSED = frozenset({"correcthorsebattery"})


@given(st.text(max_size=MAX_PASSWORD_CHARACTERS + 20))
def test_length_alone_decides_of_an_uncommon_password(password: str) -> None:
    """Counted in the form it is hashed in: any characters, no rule of composition."""
    normal = unicodedata.normalize("NFC", password)
    if MIN_PASSWORD_CHARACTERS <= len(normal) <= MAX_PASSWORD_CHARACTERS:
        assert check_password(password, username="nurse", refused=REFUSED) == normal
    else:
        with pytest.raises(WeakPassword):
            check_password(password, username="nurse", refused=REFUSED)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("x" * (MIN_PASSWORD_CHARACTERS - 1), "short"),
        ("e\u0301" * (MIN_PASSWORD_CHARACTERS - 1), "short"),
        ("x" * (MAX_PASSWORD_CHARACTERS + 1), "long"),
        ("CorrectHorseBattery", "common"),
        ("Maria.da.Silva", "username"),
    ],
)
def test_a_weak_password_says_why(password: str, reason: str) -> None:
    """Case hides neither a common password nor the username."""
    with pytest.raises(WeakPassword) as refusal:
        check_password(password, username="maria.da.silva", refused=REFUSED)
    assert refusal.value.details["reason"] == reason


def test_the_same_keys_give_the_same_password_on_every_device() -> None:
    """Composed or decomposed, it is one password."""
    composed, decomposed = "coração-coração", "corac\u0327a\u0303o-corac\u0327a\u0303o"
    assert check_password(decomposed, username="x", refused=()) == composed


@pytest.mark.parametrize("email", ["a@b.c", "ana.b+c@hospital.example.org"])
def test_an_address_has_a_name_and_a_domain(email: str) -> None:
    """It comes back as it was written."""
    assert check_email(email) == email


@pytest.mark.parametrize(
    "email", ["", "a", "a@b", "@b.c", "a@.c ", "a b@c.d", "a@b@c.d", "a@b.c\n"]
)
def test_what_is_no_address_is_refused(email: str) -> None:
    """The form the 2022 API asked for, and nothing around it."""
    with pytest.raises(EmailMalformed):
        check_email(email)
