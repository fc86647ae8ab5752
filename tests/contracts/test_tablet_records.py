"""What every filler of TabletRecords promises."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core.errors import NameTaken, TabletNotFound
from appliance.core.ids import TabletId
from appliance.core.tablet import Standing, Tablet
from tests.builders import NOON, an_audit, digest_of, later
from tests.contracts.records import Records, n_audited

WARD = Tablet(id=TabletId("tablet-1"), name="Ala 3", created_at=NOON, code_ends_at=later(1000))
CODE, SECRET = digest_of("code"), digest_of("secret")
STANDING = Standing(
    at=later(60),
    app_version="0.1.0",
    n_waiting=3,
    oldest_at=later(5),
    storage_pct=1.5,
    highest_seq=7,
)


def enrol(records: Records, *, shows: str = "secret", at_s: float = 10) -> bool:
    """Let the tablet show its code."""
    return records.tablets.enrol(
        WARD.id, code=CODE, secret=digest_of(shows), at=later(at_s), audit=an_audit()
    )


@pytest.fixture
def ward(records: Records) -> Records:
    """Records in which a tablet is awaited."""
    records.tablets.add_tablet(WARD, code=CODE, audit=an_audit())
    return records


def test_a_code_names_the_tablet_it_was_made_for(ward: Records) -> None:
    """Until its time is over; another names none."""
    assert ward.tablets.awaited(CODE, now=later(999)) == WARD
    assert ward.tablets.awaited(CODE, now=later(1000)) is None
    assert ward.tablets.awaited(digest_of("other"), now=NOON) is None


def test_a_tablet_is_known_by_its_secret_alone(ward: Records) -> None:
    """From the moment it showed its code, which is on record."""
    assert ward.tablets.tablet_with(SECRET) is None
    n_before = n_audited(ward)
    assert enrol(ward)
    assert n_audited(ward) == n_before + 1
    assert ward.tablets.tablet_with(SECRET) == replace(WARD, enrolled_at=later(10))
    assert ward.tablets.tablet_with(CODE) is None


def test_a_code_may_be_shown_again_until_the_tablet_is_heard_of(ward: Records) -> None:
    """The answer to the first time was lost; only the last secret is good."""
    enrol(ward)
    assert enrol(ward, shows="second", at_s=20)
    assert ward.tablets.tablet_with(SECRET) is None
    assert ward.tablets.tablet_with(digest_of("second")) is not None
    ward.tablets.stands(WARD.id, STANDING)
    n_before = n_audited(ward)
    assert not enrol(ward, shows="third", at_s=70)
    assert n_audited(ward) == n_before
    assert ward.tablets.awaited(CODE, now=later(70)) is None


def test_a_code_is_good_for_its_time_and_its_tablet(ward: Records) -> None:
    """Neither later nor for another."""
    assert not enrol(ward, at_s=1000)
    taken = {"code": CODE, "secret": SECRET, "at": later(1), "audit": an_audit()}
    assert not ward.tablets.enrol(TabletId("tablet-2"), **taken)  # type: ignore[arg-type]


def test_what_a_tablet_says_is_remembered_without_an_audit_row(ward: Records) -> None:
    """Every minute; the last counts."""
    enrol(ward)
    n_before = n_audited(ward)
    ward.tablets.stands(WARD.id, STANDING)
    ward.tablets.stands(WARD.id, replace(STANDING, oldest_at=None, storage_pct=None, n_waiting=0))
    (found,) = ward.tablets.tablets()
    assert found.standing == replace(STANDING, oldest_at=None, storage_pct=None, n_waiting=0)
    assert found.code_ends_at is None
    ward.tablets.stands(TabletId("unknown"), STANDING)
    assert n_audited(ward) == n_before


def test_a_revoked_tablet_is_let_in_no_more(ward: Records) -> None:
    """By neither code nor secret; it stays in the list, and its name may be given again."""
    enrol(ward)
    ward.tablets.revoke_tablet(WARD.id, audit=an_audit())
    n_before = n_audited(ward)
    ward.tablets.revoke_tablet(WARD.id, audit=an_audit())
    assert n_audited(ward) == n_before
    assert ward.tablets.tablet_with(SECRET) is None
    assert ward.tablets.awaited(CODE, now=NOON) is None
    assert not enrol(ward)
    ward.tablets.stands(WARD.id, STANDING)
    (found,) = ward.tablets.tablets()
    assert (found.revoked, found.standing) == (True, None)
    second = replace(WARD, id=TabletId("tablet-2"), created_at=later(1))
    ward.tablets.add_tablet(second, code=digest_of("second code"), audit=an_audit())
    assert [one.id for one in ward.tablets.tablets()] == ["tablet-1", "tablet-2"]


def test_a_name_is_given_once(ward: Records) -> None:
    """Case does not matter."""
    second = replace(WARD, id=TabletId("tablet-2"), name="ALA 3")
    with pytest.raises(NameTaken):
        ward.tablets.add_tablet(second, code=digest_of("second code"), audit=an_audit())
    with pytest.raises(TabletNotFound):
        ward.tablets.revoke_tablet(TabletId("unknown"), audit=an_audit())
