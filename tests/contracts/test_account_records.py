"""What every filler of AccountRecords promises."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core.account import Role
from appliance.core.audit import AuditAction
from appliance.core.errors import (
    EmailTaken,
    HospitalNotFound,
    UsernameTaken,
    UserNotFound,
    WrongCredentials,
)
from appliance.core.ids import HospitalId, TokenId, UserId
from appliance.core.throttle import (
    FREE_FAILURES_PER_PAIR,
    MAX_FAILURES_PER_ACCOUNT,
    MAX_WAIT_S,
    throttle_keys,
)
from tests.builders import NOON, a_hospital, a_token, a_user, an_audit, later
from tests.contracts.records import Records, n_audited

USER = UserId("user-1")
TOKEN = TokenId("token-1")
KEYS = throttle_keys("nurse", "192.0.2.7")


@pytest.fixture
def ward(records: Records) -> Records:
    """Records with one hospital and its nurse, signed in."""
    records.hospitals.add_hospital(a_hospital(), audit=an_audit())
    user = a_user(hospital_ids=(HospitalId("hospital-1"),))
    records.accounts.add_user(user, "hash", audit=an_audit())
    records.accounts.add_token(a_token(), password_hash="hash", audit=an_audit())
    return records


def test_a_user_comes_back_as_added(ward: Records) -> None:
    """Every field of a user survives, and the hash is found by name in any case."""
    user = a_user(hospital_ids=(HospitalId("hospital-1"),))
    assert ward.accounts.user(USER) == user
    credentials = ward.accounts.credentials("NURSE")
    assert credentials is not None
    assert (credentials.user, credentials.password_hash) == (user, "hash")


def test_names_are_compared_without_case_in_any_script(records: Records) -> None:
    """JOÃO and joão are one user, composed or decomposed."""
    user = a_user(username="João", email="João@example.org")
    records.accounts.add_user(user, "hash", audit=an_audit())
    assert records.accounts.credentials("JOÃO") is not None
    assert records.accounts.credentials("joa\u0303o") is not None
    same_name = a_user(id=UserId("user-2"), username="JOÃO", email="other@example.org")
    with pytest.raises(UsernameTaken):
        records.accounts.add_user(same_name, "hash", audit=an_audit())
    same_email = a_user(id=UserId("user-2"), username="maria", email="JOÃO@EXAMPLE.ORG")
    with pytest.raises(EmailTaken):
        records.accounts.add_user(same_email, "hash", audit=an_audit())
    assert len(records.accounts.users()) == 1


def test_users_are_listed_by_name(records: Records) -> None:
    """The list is in the order of names without case."""
    for number, name in enumerate(("Zoe", "ana", "Bia")):
        user = a_user(id=UserId(f"user-{number}"), username=name, email=f"{name}@example.org")
        records.accounts.add_user(user, "hash", audit=an_audit())
    assert [user.username for user in records.accounts.users()] == ["ana", "Bia", "Zoe"]


def test_an_unknown_user_is_missing(records: Records) -> None:
    """Whatever is asked of a user who is not there says so, and leaves no audit row."""
    assert records.accounts.credentials("nobody") is None
    with pytest.raises(UserNotFound):
        records.accounts.user(USER)
    with pytest.raises(UserNotFound):
        records.accounts.change_user(USER, active=False, audit=an_audit())
    with pytest.raises(UserNotFound):
        records.accounts.set_password(USER, "hash", audit=an_audit())
    with pytest.raises(UserNotFound):
        records.accounts.add_token(a_token(), password_hash="hash", audit=an_audit())
    assert n_audited(records) == 0


def test_an_unknown_hospital_is_refused(ward: Records) -> None:
    """Nobody is assigned to a hospital that is not there, and nothing changes."""
    elsewhere = (HospitalId("hospital-9"),)
    stranger = a_user(id=UserId("user-2"), username="x", email="x@y.z", hospital_ids=elsewhere)
    with pytest.raises(HospitalNotFound):
        ward.accounts.add_user(stranger, "hash", audit=an_audit())
    with pytest.raises(HospitalNotFound):
        ward.accounts.change_user(USER, hospital_ids=elsewhere, audit=an_audit())
    assert ward.accounts.users() == (a_user(hospital_ids=(HospitalId("hospital-1"),)),)


def test_only_what_is_named_changes(ward: Records) -> None:
    """A change of hospitals keeps role, state and tokens."""
    changed = ward.accounts.change_user(USER, hospital_ids=(), audit=an_audit())
    assert changed == a_user(hospital_ids=())
    assert ward.accounts.token_user(TOKEN, now=NOON) == changed


@pytest.mark.parametrize("change", ["role", "active"])
def test_another_role_or_state_ends_the_tokens(ward: Records, change: str) -> None:
    """Whoever may do less from now on has to sign in again, and so has who may do more."""
    if change == "role":
        ward.accounts.change_user(USER, role=Role.ADMIN, audit=an_audit())
    else:
        ward.accounts.change_user(USER, active=False, audit=an_audit())
        ward.accounts.change_user(USER, active=True, audit=an_audit())
    assert ward.accounts.token_user(TOKEN, now=NOON) is None


def test_a_token_names_its_user_until_it_expires(ward: Records) -> None:
    """One read tells whose token it is; at its expiry it is nobody's."""
    assert ward.accounts.token_user(TOKEN, now=later(8 * 3600 - 1)) == ward.accounts.user(USER)
    assert ward.accounts.token_user(TOKEN, now=later(8 * 3600)) is None
    assert ward.accounts.token_user(TokenId("token-9"), now=NOON) is None


def test_a_new_password_ends_all_tokens(ward: Records) -> None:
    """Who knew only the old password is out."""
    ward.accounts.set_password(USER, "new hash", audit=an_audit())
    credentials = ward.accounts.credentials("nurse")
    assert credentials is not None
    assert credentials.password_hash == "new hash"
    assert ward.accounts.token_user(TOKEN, now=NOON) is None


def test_credentials_that_changed_meanwhile_give_no_token(ward: Records) -> None:
    """Whoever was verified before the password changed, or the account ended, gets nothing."""
    late = a_token(id=TokenId("token-2"), family="family-2")
    n_before = n_audited(ward)
    with pytest.raises(WrongCredentials):
        ward.accounts.add_token(late, password_hash="an older hash", audit=an_audit())
    assert n_audited(ward) == n_before
    ward.accounts.change_user(USER, active=False, audit=an_audit())
    with pytest.raises(WrongCredentials):
        ward.accounts.add_token(late, password_hash="hash", audit=an_audit())
    ward.accounts.change_user(USER, active=True, audit=an_audit())
    assert ward.accounts.token_user(late.id, now=NOON) is None


def test_a_token_is_forgotten_a_day_after_its_end(ward: Records) -> None:
    """Signing in clears away what nobody can use; asked at its own time it is unknown."""
    for days, kept in ((1, True), (2, False)):
        fresh = a_token(
            id=TokenId(f"token of day {days}"),
            family=f"family of day {days}",
            issued_at=later(days * 86_400),
            expires_at=later(days * 86_400 + 3600),
        )
        ward.accounts.add_token(fresh, password_hash="hash", audit=an_audit())
        assert (ward.accounts.token_user(TOKEN, now=NOON) is not None) is kept
        assert ward.accounts.token_user(fresh.id, now=fresh.issued_at) is not None


def test_a_token_whose_time_is_over_never_comes_back(ward: Records) -> None:
    """Whatever the clock says; its family goes on, and nothing is written for what is gone."""
    sibling = a_token(id=TokenId("token-2"))
    ward.accounts.add_token(sibling, password_hash="hash", audit=an_audit())
    n_before = n_audited(ward)
    ward.accounts.end_tokens((TOKEN, TokenId("token-9")))
    ward.accounts.end_tokens((TOKEN,))
    assert ward.accounts.token_user(TOKEN, now=NOON) is None
    assert ward.accounts.token_user(sibling.id, now=NOON) is not None
    late = a_token(id=TokenId("token-3"))
    ward.accounts.add_token(late, password_hash="hash", audit=an_audit())
    assert ward.accounts.token_user(late.id, now=NOON) is not None
    assert n_audited(ward) == n_before + 1


def test_a_revoked_family_is_remembered(ward: Records) -> None:
    """Ending one of its tokens by time does not let the family begin again."""
    ward.accounts.revoke_token(TOKEN, audit=an_audit())
    ward.accounts.end_tokens((TOKEN,))
    late = a_token(id=TokenId("token-2"))
    ward.accounts.add_token(late, password_hash="hash", audit=an_audit())
    assert ward.accounts.token_user(late.id, now=NOON) is None


def test_revoking_a_token_ends_its_whole_family(ward: Records) -> None:
    """Tokens of one sign-in end together, later ones too; another sign-in's go on."""
    sibling = a_token(id=TokenId("token-2"))
    other = a_token(id=TokenId("token-3"), family="family-2")
    ward.accounts.add_token(sibling, password_hash="hash", audit=an_audit())
    ward.accounts.add_token(other, password_hash="hash", audit=an_audit())
    ward.accounts.revoke_token(TOKEN, audit=an_audit())
    late = a_token(id=TokenId("token-4"))
    ward.accounts.add_token(late, password_hash="hash", audit=an_audit())
    alive = [
        ward.accounts.token_user(token.id, now=NOON) is not None
        for token in (a_token(), sibling, other, late)
    ]
    assert alive == [False, False, True, False]


def test_revoking_what_is_dead_is_no_error_and_no_audit_row(ward: Records) -> None:
    """Only the first sign-out happened."""
    ward.accounts.revoke_token(TOKEN, audit=an_audit(AuditAction.SIGNED_OUT))
    n_before = n_audited(ward)
    ward.accounts.revoke_token(TOKEN, audit=an_audit(AuditAction.SIGNED_OUT))
    ward.accounts.revoke_token(TokenId("token-9"), audit=an_audit(AuditAction.SIGNED_OUT))
    assert n_audited(ward) == n_before


def test_attempts_are_counted_until_they_have_to_wait(records: Records) -> None:
    """After the free failures an attempt waits, longer each time, and waiting is not counted."""
    admitted = [records.accounts.admit(KEYS, at=NOON) for _ in range(FREE_FAILURES_PER_PAIR)]
    assert admitted == [0.0] * FREE_FAILURES_PER_PAIR
    assert records.accounts.admit(KEYS, at=NOON) == 1.0
    assert records.accounts.admit(KEYS, at=later(0.5)) == 0.5
    assert records.accounts.admit(KEYS, at=later(1.0)) == 0.0
    assert records.accounts.admit(KEYS, at=later(1.0)) == 2.0


def test_a_success_forgets_the_pair(records: Records) -> None:
    """Whoever got in begins anew; counting leaves no audit row."""
    for _ in range(FREE_FAILURES_PER_PAIR):
        records.accounts.admit(KEYS, at=NOON)
    records.accounts.count_success(KEYS, at=NOON)
    again = [records.accounts.admit(KEYS, at=NOON) for _ in range(FREE_FAILURES_PER_PAIR)]
    assert again == [0.0] * FREE_FAILURES_PER_PAIR
    assert n_audited(records) == 0


def test_a_known_address_is_not_locked_out_by_others(records: Records) -> None:
    """Guesses from elsewhere use up the account's budget, not the ward's own tablet's."""
    records.accounts.admit(KEYS, at=NOON)
    records.accounts.count_success(KEYS, at=NOON)
    for number in range(MAX_FAILURES_PER_ACCOUNT):
        records.accounts.admit(throttle_keys("nurse", f"attacker {number}"), at=NOON)
    stranger = throttle_keys("nurse", "another address")
    assert records.accounts.admit(stranger, at=NOON) == MAX_WAIT_S
    assert records.accounts.admit(KEYS, at=NOON) == 0.0


def test_a_new_password_forgets_the_account_s_failures(ward: Records) -> None:
    """An account that was guessed at is open again from new addresses."""
    for number in range(MAX_FAILURES_PER_ACCOUNT):
        ward.accounts.admit(throttle_keys("nurse", f"attacker {number}"), at=NOON)
    ward.accounts.set_password(USER, "new hash", audit=an_audit())
    assert ward.accounts.admit(throttle_keys("nurse", "another address"), at=NOON) == 0.0


def test_failures_of_yesterday_are_forgotten(records: Records) -> None:
    """After a day a pair has all its free failures again."""
    for _ in range(FREE_FAILURES_PER_PAIR):
        records.accounts.admit(KEYS, at=NOON)
    tomorrow = later(86_400)
    again = [records.accounts.admit(KEYS, at=tomorrow) for _ in range(FREE_FAILURES_PER_PAIR)]
    assert again == [0.0] * FREE_FAILURES_PER_PAIR


def test_an_account_that_was_guessed_at_lets_one_attempt_pass_at_a_time(
    records: Records,
) -> None:
    """The wait that is told is true, and whoever gets in after it frees the account."""
    for number in range(MAX_FAILURES_PER_ACCOUNT):
        records.accounts.admit(throttle_keys("nurse", f"attacker {number}"), at=NOON)
    first, second = (throttle_keys("nurse", address) for address in ("first", "second"))
    assert records.accounts.admit(first, at=later(300)) == MAX_WAIT_S - 300
    assert records.accounts.admit(first, at=later(MAX_WAIT_S)) == 0.0
    assert records.accounts.admit(second, at=later(MAX_WAIT_S)) == MAX_WAIT_S
    records.accounts.count_success(first, at=later(MAX_WAIT_S))
    assert records.accounts.admit(second, at=later(MAX_WAIT_S)) == 0.0


def test_a_clock_set_back_locks_nobody_out(records: Records) -> None:
    """Failures of next year make nobody wait, and the next one counts from the present."""
    for _ in range(FREE_FAILURES_PER_PAIR):
        records.accounts.admit(KEYS, at=later(365 * 86_400))
    assert records.accounts.admit(KEYS, at=NOON) == 0.0
    assert records.accounts.admit(KEYS, at=later(1.0)) == 0.0


def test_every_write_leaves_its_audit_row(ward: Records) -> None:
    """Four writes, four rows, in their order, with what they say."""
    n_before = n_audited(ward)
    entry = an_audit(AuditAction.USER_CHANGED, "user-1", role="admin", n=1)
    ward.accounts.change_user(USER, role=Role.ADMIN, audit=entry)
    ward.accounts.set_password(
        USER, "x", audit=replace(entry, action=AuditAction.USER_PASSWORD_SET)
    )
    rows = list(ward.audit.rows(after=n_before))
    assert [row.entry.action for row in rows] == [
        AuditAction.USER_CHANGED,
        AuditAction.USER_PASSWORD_SET,
    ]
    assert rows[0].entry == entry


def test_a_pair_is_known_once_it_signed_in(records: Records) -> None:
    """That name from that address, and not while it only tries."""
    keys = throttle_keys("ana", "192.0.2.7")
    records.accounts.admit(keys, at=NOON)
    assert not records.accounts.is_known(keys)
    records.accounts.count_success(keys, at=NOON)
    assert records.accounts.is_known(keys)
    assert not records.accounts.is_known(throttle_keys("ana", "192.0.2.8"))
    assert not records.accounts.is_known(throttle_keys("bia", "192.0.2.7"))
