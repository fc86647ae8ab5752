"""Tablets bring work home by a secret of their own, and may do nothing else by it."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from appliance.bootstrap.box_keys import is_signed_by
from appliance.core.author_pass import verified_pass
from appliance.core.tablet import CODE_LASTS
from appliance.usecases.tablets import await_tablet
from tests.builders import an_audit
from tests.web.boxes import PASSWORD, SIGNER, Box, Person, a_wav, new_id
from tests.web.scenes import Scene
from tests.web.test_app_sessions import OWN, Browser
from tests.web.test_compatibility import problem
from tests.web.test_envelopes import Tablet
from tests.web.test_matrix import ROWS

BEAT = {"app_version": "0.1.0", "waiting": 2, "storage_pct": 12.5, "highest_seq": 3}
COOKIE = "__Host-spira-tablet"


def code_for(box: Box, name: str = "Ala 3") -> str:
    """Await a tablet; return its code."""
    _, code = await_tablet(
        name,
        actor="console",
        clock=box.clock,
        new_id=new_id,
        new_secret=box.appliance().new_secret,
        tablets=box.records.tablets,
    )
    return code


def enrol(browser: Browser, code: str) -> httpx.Response:
    """Show a code as the app does."""
    return browser.call("POST", "/v1/tablets/", json={"code": code})


@pytest.fixture
def device(http: TestClient[Litestar]) -> Browser:
    """A tablet on which nobody is signed in."""
    return Browser(http)


@pytest.fixture
def tablet(device: Browser, box: Box) -> Browser:
    """An enrolled one."""
    answer = enrol(device, code_for(box))
    assert answer.status_code == httpx.codes.CREATED, answer.text
    return device


def beat(device: Browser, **change: object) -> httpx.Response:
    """Say how the tablet stands."""
    return device.call("POST", "/v1/tablets/me/heartbeat", json=BEAT | change)


def bring(device: Browser, author: Person) -> httpx.Response:
    """Bring a recording that a nurse sealed here."""
    return Tablet(author=author, bearer=device).send("recording", new_id(), a_wav())


def test_the_cookie_of_a_tablet_is_out_of_reach(tablet: Browser) -> None:
    """Of scripts, other hosts, plain HTTP and other sites; and it lasts."""
    flags = tablet.flags[COOKIE].lower()
    assert all(flag in flags for flag in ("httponly", "secure", "samesite=strict", "path=/"))
    assert "domain" not in flags
    assert "max-age=34560000" in flags


def test_work_goes_home_while_nobody_is_signed_in(tablet: Browser, box: Box, nurse: Person) -> None:
    """Under its author's name; the audit says which tablet brought it."""
    assert bring(tablet, nurse).status_code == httpx.codes.CREATED
    (known,) = box.records.tablets.tablets()
    assert list(box.records.audit.rows())[-1].entry.actor == known.id
    asked = tablet.call("POST", "/v1/envelopes/missing", json={"items": []})
    assert asked.json() == {"missing": []}


def test_without_enrolment_nobody_brings_anything(device: Browser, nurse: Person) -> None:
    """Neither without a cookie nor with one that somebody made up."""
    assert bring(device, nurse).status_code == httpx.codes.UNAUTHORIZED
    device.cookies = {COOKIE: "made-up"}
    assert bring(device, nurse).status_code == httpx.codes.UNAUTHORIZED


LET_IN = (
    *("PUT /v1/envelopes/{item_id}", "POST /v1/envelopes/missing"),
    "POST /v1/tablets/me/heartbeat",
)


@pytest.mark.parametrize("route", sorted(ROWS))
def test_a_tablet_may_do_nothing_else(scene: Scene, route: str) -> None:
    """Everywhere else it is nobody."""
    device = Browser(scene.http)
    assert enrol(device, code_for(scene.box)).status_code == httpx.codes.CREATED
    answer = scene.send(route, device.call)
    expected = ROWS[route][1] if route in LET_IN else ROWS[route][0]
    assert answer.status_code == expected, answer.text


def test_a_change_by_the_cookie_comes_from_our_own_page(tablet: Browser) -> None:
    """No form of another page brings anything in the tablet's name."""
    tablet.http.cookies.clear()
    headers = {"Cookie": f"{COOKIE}={tablet.cookies[COOKIE]}", "Origin": OWN["Origin"]}
    answer = tablet.http.post("/v1/tablets/me/heartbeat", json=BEAT, headers=headers)
    assert problem(answer) == (403, "cross-site")


def test_a_heartbeat_is_kept_and_prolongs_the_cookie(tablet: Browser, box: Box) -> None:
    """IT sees how each tablet stands; the tablet learns as whom it is known."""
    box.clock.move(timedelta(minutes=5))
    answer = beat(tablet, oldest_at="2026-03-01T11:00:00Z")
    (known,) = box.records.tablets.tablets()
    assert answer.json()["tablet"] == {"id": known.id, "name": "Ala 3"}
    assert "max-age=34560000" in tablet.flags[COOKIE].lower()
    assert known.standing is not None
    assert (known.standing.n_waiting, known.standing.storage_pct) == (2, 12.5)
    assert known.standing.at == box.clock()


def test_a_device_that_is_not_enrolled_sends_with_its_user(device: Browser, nurse: Person) -> None:
    """And is told that it is not."""
    device.sign_in(nurse.user.username)
    assert beat(device).json()["tablet"] is None
    assert bring(device, nurse).status_code == httpx.codes.CREATED


def test_a_lost_answer_may_be_asked_for_again(device: Browser, box: Box) -> None:
    """Until the tablet is heard of; then the code is used up."""
    code = code_for(box)
    device.call("POST", "/v1/tablets/", json={"code": code}, lost=True)
    assert COOKIE not in device.cookies
    assert enrol(device, code.lower().replace("-", " ")).status_code == httpx.codes.CREATED
    assert beat(device).status_code == httpx.codes.OK
    assert problem(enrol(Browser(device.http), code)) == (422, "enrolment-refused")


@pytest.mark.parametrize("code", ["", "0000-0000-0000", "not a code at all", "O" * 64])
def test_what_is_no_code_enrols_nothing(device: Browser, code: str) -> None:
    """It is refused, and gives no cookie."""
    assert enrol(device, code).status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert COOKIE not in device.cookies


def test_a_code_is_good_for_a_day(device: Browser, box: Box) -> None:
    """Not a moment longer."""
    code = code_for(box)
    box.clock.move(CODE_LASTS)
    assert problem(enrol(device, code)) == (422, "enrolment-refused")


def test_a_revoked_tablet_is_nobody(tablet: Browser, box: Box, nurse: Person) -> None:
    """From the next request on; a nurse who signs in there goes on as on any device."""
    (known,) = box.records.tablets.tablets()
    box.records.tablets.revoke_tablet(known.id, audit=an_audit())
    assert beat(tablet).status_code == httpx.codes.UNAUTHORIZED
    tablet.sign_in(nurse.user.username)
    assert beat(tablet).json()["tablet"] is None


def test_signing_out_leaves_the_tablet_enrolled(tablet: Browser, nurse: Person) -> None:
    """Its cookie is not that of a sign-in."""
    tablet.sign_in(nurse.user.username)
    tablet.call("DELETE", "/v1/users/auth")
    assert set(tablet.cookies) == {COOKIE}
    assert beat(tablet).status_code == httpx.codes.OK


def test_the_note_of_authorship_names_the_tablet(tablet: Browser, box: Box, nurse: Person) -> None:
    """At the sign-in, and when it goes on."""
    (known,) = box.records.tablets.tablets()
    public = SIGNER.public_key
    for told in (
        tablet.sign_in(nurse.user.username),
        tablet.call("POST", "/v1/users/auth/refresh"),
    ):
        note = told.json()["author_pass"]
        author = verified_pass(note, is_signed=lambda said, by: is_signed_by(public, said, by))
        assert author.tablet_id == known.id


def test_guesses_elsewhere_lock_no_tablet_out(tablet: Browser, nurse: Person) -> None:
    """Its budget is its own, at whatever address: the same address, here, as who guesses."""
    guesser = Browser(tablet.http)
    assert tablet.sign_in(nurse.user.username).status_code == httpx.codes.OK
    for _ in range(40):
        guesser.sign_in(nurse.user.username, "wrong password")
    assert guesser.sign_in(nurse.user.username).status_code == httpx.codes.TOO_MANY_REQUESTS
    assert tablet.sign_in(nurse.user.username, PASSWORD).status_code == httpx.codes.OK
