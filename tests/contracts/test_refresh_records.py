"""What every filler of RefreshRecords promises."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core.ids import Sha256, TokenId, UserId
from appliance.core.refresh import Refresh, digest_of
from tests.builders import NOON, a_token, a_user, an_audit, later
from tests.contracts.records import Records, n_audited

FIRST = Refresh(
    digest=digest_of("first"),
    parent=None,
    family="family-1",
    user_id=UserId("user-1"),
    issued_at=NOON,
    ends_at=later(1000),
)


def after(one: Refresh, name: str) -> Refresh:
    """Return one that follows."""
    return replace(one, digest=digest_of(name), parent=one.digest, issued_at=later(10))


@pytest.fixture
def ward(records: Records) -> Records:
    """Records in which one nurse is signed in to the app."""
    records.accounts.add_user(a_user(), "hash", audit=an_audit())
    token = a_token(family="family-1")
    records.accounts.add_token(token, password_hash="hash", audit=an_audit())
    records.refreshes.begin(FIRST)
    return records


def rotate(records: Records, successor: Refresh, number: int = 2) -> bool:
    """Let the successor follow its parent, with a token of its own."""
    token = a_token(id=TokenId(f"token-{number}"), family="family-1", issued_at=later(10))
    return records.refreshes.rotate(successor, token)


def test_a_secret_is_known_by_its_digest(ward: Records) -> None:
    """As it was stored; another is not known."""
    assert ward.refreshes.refresh(FIRST.digest) == (FIRST, False)
    assert ward.refreshes.refresh(Sha256("0" * 64)) is None


def test_a_successor_brings_a_token_and_marks_its_parent(ward: Records) -> None:
    """The first showing counts; it counts as used only when the successor was shown, too."""
    n_before = n_audited(ward)
    second, third = after(FIRST, "second"), after(after(FIRST, "second"), "third")
    assert rotate(ward, second)
    assert ward.refreshes.refresh(FIRST.digest) == (replace(FIRST, used_at=later(10)), False)
    assert ward.accounts.token_user(TokenId("token-2"), now=later(11)) is not None
    assert rotate(ward, third, 3)
    found = ward.refreshes.refresh(FIRST.digest)
    assert found is not None
    assert found[1] is True
    assert n_audited(ward) == n_before


def test_one_parent_may_have_several_successors(ward: Records) -> None:
    """Answers get lost, and two tabs ask at once."""
    for number, name in enumerate(("second", "another"), start=2):
        assert rotate(ward, after(FIRST, name), number)
    assert ward.refreshes.refresh(digest_of("second")) is not None
    assert ward.refreshes.refresh(digest_of("another")) is not None


@pytest.mark.parametrize("ends", ["family", "token", "password", "state"])
def test_whatever_ends_a_sign_in_ends_its_chain(ward: Records, ends: str) -> None:
    """Nothing goes on from there, and the token it brought is dead."""
    rotate(ward, after(FIRST, "second"))
    if ends == "family":
        ward.accounts.end_family("family-1", audit=an_audit())
    elif ends == "token":
        ward.accounts.revoke_token(TokenId("token-2"), audit=an_audit())
    elif ends == "password":
        ward.accounts.set_password(UserId("user-1"), "other", audit=an_audit())
    else:
        ward.accounts.change_user(UserId("user-1"), active=False, audit=an_audit())
    assert ward.refreshes.refresh(digest_of("second")) is None
    assert not rotate(ward, after(after(FIRST, "second"), "third"), 3)
    assert ward.accounts.token_user(TokenId("token-2"), now=later(11)) is None


def test_the_end_of_nothing_is_no_error_and_leaves_no_row(ward: Records) -> None:
    """A family nobody knows."""
    n_before = n_audited(ward)
    ward.accounts.end_family("family-9", audit=an_audit())
    assert n_audited(ward) == n_before


def test_chains_that_ended_are_forgotten(ward: Records) -> None:
    """At the next sign-in."""
    later_one = replace(
        FIRST,
        digest=digest_of("late"),
        family="family-2",
        issued_at=later(2000),
        ends_at=later(3000),
    )
    ward.refreshes.begin(later_one)
    assert ward.refreshes.refresh(FIRST.digest) is None
    assert ward.refreshes.refresh(later_one.digest) is not None
