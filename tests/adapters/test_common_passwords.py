"""The list of passwords that are refused."""

from __future__ import annotations

import pytest

from appliance.adapters.common_passwords import load_common_passwords
from appliance.core.account import MIN_PASSWORD_CHARACTERS


def test_every_entry_could_be_chosen_otherwise() -> None:
    """Lower case and long enough: nothing is listed that another rule refuses anyway."""
    listed = load_common_passwords()
    assert len(listed) > 3_000
    assert all(word == word.lower() and word.strip() == word for word in listed)
    assert min(map(len, listed)) >= MIN_PASSWORD_CHARACTERS


@pytest.mark.parametrize(
    "word", ["qwertyuiop123", "123456789012", "hospital1234", "senhasenha123", "spira@123456"]
)
def test_what_people_choose_is_listed(word: str) -> None:
    """From leaks, from keyboards, and from this product's own words."""
    assert word in load_common_passwords()


def test_the_header_is_no_password() -> None:
    """Where the list comes from stands before it."""
    assert not any(word.startswith("# ") for word in load_common_passwords())
