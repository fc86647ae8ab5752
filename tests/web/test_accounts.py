"""Accounts change, and with them what their tokens may do."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from appliance.core.account import Role
from appliance.core.errors import DiskFull, TooManyAttempts
from appliance.core.throttle import FREE_FAILURES_PER_ADDRESS
from appliance.web.turns import Turns
from tests.web.asgi import speak
from tests.web.boxes import PASSWORD, Box, Person, new_id
from tests.web.test_compatibility import blamed, problem

NEW = {"password": "a very different one", "password_confirmation": "a very different one"}


def test_a_user_sees_oneself(nurse: Person) -> None:
    """Without the id in hand."""
    seen = nurse.call("GET", "/v1/users/me").json()
    assert (seen["id"], seen["role"], seen["active"]) == (nurse.user.id, "nurse", True)


@pytest.mark.parametrize("change", [{"role": "researcher"}, {"active": False}])
def test_a_changed_role_or_state_ends_the_tokens(
    nurse: Person, admin: Person, change: dict[str, object]
) -> None:
    """At once, not at the next sign-in."""
    answer = admin.call("PATCH", nurse.home, json=change)
    assert answer.status_code == httpx.codes.OK
    assert answer.json().items() >= change.items()
    assert problem(nurse.call("GET", "/v1/users/me")) == (401, "not-signed-in")


def test_hospitals_change_without_a_sign_in(box: Box, stranger: Person, admin: Person) -> None:
    """A nurse who moves wards sees the other shift with the token she has."""
    path = f"/v1/hospitals/{box.hospital.id}/inferences"
    assert stranger.call("GET", path).status_code == httpx.codes.FORBIDDEN
    admin.call("PATCH", stranger.home, json={"hospitals": [box.hospital.id, box.hospital.id]})
    assert stranger.call("GET", path).status_code == httpx.codes.OK


def test_a_hospital_nobody_knows_is_not_assigned(nurse: Person, admin: Person) -> None:
    """404 for an unknown id, 422 for what is no id, and for what cannot be changed."""
    unknown = admin.call("PATCH", nurse.home, json={"hospitals": [new_id()]})
    assert problem(unknown) == (404, "hospital-not-found")
    no_id = admin.call("PATCH", nurse.home, json={"hospitals": ["HC"]})
    assert problem(no_id) == (422, "invalid-request")
    other = admin.call("PATCH", nurse.home, json={"username": "x"})
    assert blamed(other) == {"username": "unknown"}


def test_one_changes_ones_password_with_the_old_one(
    http: TestClient[Litestar], nurse: Person
) -> None:
    """All tokens end, and the new password signs in."""
    path = f"{nurse.home}/password"
    assert blamed(nurse.call("POST", path, json=NEW)) == {"old_password": "required"}
    wrong = nurse.call("POST", path, json={**NEW, "old_password": "not it at all"})
    assert problem(wrong) == (403, "wrong-password")
    answer = nurse.call("POST", path, json={**NEW, "old_password": PASSWORD})
    assert answer.status_code == httpx.codes.OK
    assert problem(nurse.call("GET", "/v1/users/me")) == (401, "not-signed-in")
    signed_in = http.post("/v1/users/auth", data={"username": "ana", "password": NEW["password"]})
    assert signed_in.status_code == httpx.codes.OK


def test_an_admin_sets_anothers_password_without_the_old_one(nurse: Person, admin: Person) -> None:
    """But needs the old one for one's own."""
    path = f"{nurse.home}/password"
    assert admin.call("POST", path, json=NEW).status_code == httpx.codes.OK
    own = admin.call("POST", f"{admin.home}/password", json=NEW)
    assert blamed(own) == {"old_password": "required"}


def test_so_many_hash_at_once_and_so_many_wait() -> None:
    """Two at a time, without a thread for those who wait; one too many is told to come back."""

    async def crowd() -> tuple[int, int, int]:
        turns = Turns(n_at_once=2, n_waiting=3, n_kept=0)
        n_inside = most_inside = n_refused = n_served = 0

        async def one() -> None:
            nonlocal n_inside, most_inside, n_refused, n_served
            try:
                async with turns.turn(known=True):
                    n_inside += 1
                    most_inside = max(most_inside, n_inside)
                    await asyncio.sleep(0.01)
                    n_inside -= 1
                    n_served += 1
            except TooManyAttempts:
                n_refused += 1

        await asyncio.gather(*(one() for _ in range(7)))
        await one()
        return most_inside, n_served, n_refused

    assert asyncio.run(crowd()) == (2, 6, 2)


def test_strangers_leave_turns_to_the_known() -> None:
    """However many guess, who is known waits for nobody and is never sent away."""

    async def crowd() -> tuple[int, int, bool]:
        turns = Turns(n_at_once=2, n_waiting=6, n_kept=4)
        held = asyncio.Event()
        n_inside = n_refused = 0

        async def stranger() -> None:
            nonlocal n_inside, n_refused
            try:
                async with turns.turn(known=False):
                    n_inside += 1
                    await held.wait()
            except TooManyAttempts:
                n_refused += 1

        crowding = [asyncio.create_task(stranger()) for _ in range(60)]
        await asyncio.sleep(0)
        async with asyncio.timeout(1), turns.turn(known=True):
            served = n_inside, n_refused, True
        held.set()
        await asyncio.gather(*crowding)
        return served

    assert asyncio.run(crowd()) == (1, 56, True)


def test_a_flood_of_guesses_shuts_no_known_nurse_out(box: Box, nurse: Person) -> None:
    """Guesses from one address are told to wait before they take a turn of the hash."""

    async def flood(app: Litestar) -> tuple[list[int], list[int]]:
        async def sign_in(username: str, password: str, peer: str) -> int:
            body = urlencode({"username": username, "password": password}).encode()
            form = [("Content-Type", "application/x-www-form-urlencoded")]
            path = "/v1/users/auth"
            status, _, _ = await speak(app, "POST", path, headers=form, chunks=(body,), peer=peer)
            return status

        await sign_in(nurse.user.username, PASSWORD, "192.0.2.9")
        guesses = [sign_in(f"guess{n}", "wrong", "192.0.2.66") for n in range(60)]
        known = [sign_in(nurse.user.username, PASSWORD, "192.0.2.9") for _ in range(5)]
        answers = await asyncio.gather(*guesses, *known)
        return answers[:60], answers[60:]

    with box.serving() as http:
        guessed, known = asyncio.run(flood(http.app))
    assert set(known) == {httpx.codes.OK}
    assert set(guessed) == {httpx.codes.UNAUTHORIZED, httpx.codes.TOO_MANY_REQUESTS}
    assert box.hasher.n_verified_unknown <= FREE_FAILURES_PER_ADDRESS


def known(person: Person) -> bool:
    """Return whether the box knows whose token this is."""
    return person.call("GET", "/v1/users/me").status_code == httpx.codes.OK


def test_no_clock_revives_a_session(box: Box, nurse: Person, admin: Person) -> None:
    """What was refused for its age is over, after a restart as well; what was not goes on."""
    assert known(nurse)
    box.clock.set(timedelta(days=3653))
    assert not known(nurse)
    box.clock.set(timedelta(days=-3653))
    assert not known(nurse)
    assert known(admin)
    with box.serving() as http:
        assert not known(replace(nurse, http=http))
        assert known(replace(admin, http=http))


def test_a_clock_that_goes_back_gives_no_time_twice(box: Box, nurse: Person) -> None:
    """An hour is over after an hour, in 1970 as well; and nobody can know it after a restart."""
    box.clock.set(timedelta(days=-20_000))
    box.clock.move(timedelta(minutes=59))
    assert known(nurse)
    with box.serving() as http:
        assert not known(replace(nurse, http=http))
        fresh = box.add_person(http, "fresh", Role.NURSE)
        box.clock.move(timedelta(minutes=59))
        assert known(fresh)
        box.clock.set(timedelta(minutes=-50))
        box.clock.move(timedelta(minutes=1))
        assert not known(fresh)


def test_a_full_disk_revives_no_session_either(box: Box, nurse: Person) -> None:
    """The end cannot be written down: it is remembered, and 401 is still the answer."""
    box.clock.set(timedelta(days=3653))
    box.records.audit.fault = DiskFull()
    answer = nurse.call("GET", "/v1/users/me")
    assert answer.status_code == httpx.codes.UNAUTHORIZED
    box.clock.set(timedelta(days=-3653))
    box.records.audit.fault = None
    assert not known(nurse)


@pytest.mark.parametrize("change", [{"role": "nurse"}, {"active": False}])
def test_an_admin_cannot_end_ones_own_rights(admin: Person, change: dict[str, object]) -> None:
    """So a box is never left without an admin; what changes nothing of it is taken."""
    assert problem(admin.call("PATCH", admin.home, json=change)) == (403, "own-account")
    same = admin.call("PATCH", admin.home, json={"role": "admin", "active": True})
    assert same.status_code == httpx.codes.OK


def test_who_may_see_which_ward_is_on_record(box: Box, nurse: Person, admin: Person) -> None:
    """Ids of hospitals, role and state, of changes and of new accounts; no names."""
    hospital = box.hospital.id
    admin.call("PATCH", nurse.home, json={"hospitals": [hospital], "role": "researcher"})
    changed = list(box.records.audit.rows())[-1].entry
    assert (changed.action, changed.details["hospital_ids"]) == ("user.changed", hospital)
    assert changed.details["role"] == "researcher"
    new = {"username": "new", "email": "new@example.org", "hospitals": [hospital], **NEW}
    admin.call("POST", "/v1/users/", json=new)
    added = list(box.records.audit.rows())[-1].entry
    assert (added.action, added.details["hospital_ids"]) == ("user.added", hospital)
    admin.call("PATCH", f"/v1/hospitals/{hospital}", json={"name": "Outro nome"})
    renamed = list(box.records.audit.rows())[-1].entry
    assert renamed.details == {"name_changed": True, "rgh_rule_changed": False}


def test_what_was_denied_is_logged_without_a_name(
    http: TestClient[Litestar], nurse: Person, caplog: pytest.LogCaptureFixture
) -> None:
    """Code and address of refused sign-ins and denied access."""
    http.post("/v1/users/auth", data={"username": "my-secret", "password": "wrong"})
    nurse.call("GET", "/v1/users/")
    seen = [(r.message, r.__dict__.get("code")) for r in caplog.records if "address" in r.__dict__]
    assert seen == [("sign-in-refused", "wrong-credentials"), ("access-denied", "not-allowed")]
    assert "my-secret" not in str([record.__dict__ for record in caplog.records])
