"""The web app's sign-in: cookies, their renewal, and nobody who rides on them."""

from __future__ import annotations

from datetime import timedelta
from http.cookies import SimpleCookie

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from appliance.core.author_pass import verified_pass
from appliance.core.refresh import LASTING, OVERLAP
from tests.web.boxes import PASSWORD, SIGNER, Box, Person
from tests.web.scenes import Scene
from tests.web.test_compatibility import problem

OWN = {"Origin": "http://box.local", "X-SPIRA-Client": "pwa/0.1.0"}
REFRESH = "/v1/users/auth/refresh"


class Browser:
    """Keeps cookies as a browser would over TLS, and shows them to nobody."""

    def __init__(self, http: TestClient[Litestar]) -> None:
        """Begin without cookies."""
        self.http = http
        self.cookies: dict[str, str] = {}
        self.flags: dict[str, str] = {}

    def call(self, method: str, path: str, *, lost: bool = False, **sent: object) -> httpx.Response:
        """Send a request of our own page; of a lost answer no cookie is kept."""
        headers = {**OWN, **dict(sent.pop("headers", {}))}  # type: ignore[call-overload]
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={text}" for name, text in self.cookies.items())
        self.http.cookies.clear()
        answer = self.http.request(method, path, headers=headers, **sent)  # type: ignore[arg-type]
        for line in [] if lost else answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.flags[name] = line
                self.cookies[name] = morsel.value
                if morsel["max-age"] == "0":
                    del self.cookies[name]
        return answer

    def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        """Sign in as the app does."""
        form = {"username": name, "password": password, "client": "pwa"}
        return self.call("POST", "/v1/users/auth", data=form)


@pytest.fixture
def browser(http: TestClient[Litestar], nurse: Person) -> Browser:
    """A browser in which the nurse is signed in."""
    browser = Browser(http)
    answer = browser.sign_in(nurse.user.username)
    assert answer.status_code == httpx.codes.OK, answer.text
    return browser


def me(browser: Browser) -> int:
    """Return the status of asking who is signed in."""
    return browser.call("GET", "/v1/users/me").status_code


def test_the_cookies_are_out_of_reach(browser: Browser) -> None:
    """Of scripts, of other hosts, of plain HTTP, and of other sites."""
    for name in ("__Host-spira", "__Host-spira-refresh"):
        flags = browser.flags[name].lower()
        assert all(flag in flags for flag in ("httponly", "secure", "samesite=strict", "path=/"))
        assert "domain" not in flags


def test_the_app_learns_who_and_until_when_but_no_token(browser: Browser, nurse: Person) -> None:
    """The note of authorship is the box's own, and lasts as long as the sign-in may."""
    told = browser.sign_in(nurse.user.username).json()
    assert told["id"] == nurse.user.id
    assert "access_token" not in told
    public = SIGNER.public_key
    from appliance.bootstrap.box_keys import is_signed_by  # noqa: PLC0415

    author = verified_pass(
        told["author_pass"], is_signed=lambda said, by: is_signed_by(public, said, by)
    )
    assert author.user_id == nurse.user.id
    assert author.expires_at - author.issued_at == LASTING


def test_a_program_signs_in_as_ever(http: TestClient[Litestar], nurse: Person) -> None:
    """No cookie for whoever does not ask for one."""
    form = {"username": nurse.user.username, "password": PASSWORD}
    answer = http.post("/v1/users/auth", data=form)
    assert answer.json().keys() == {"id", "access_token", "token_type"}
    assert "set-cookie" not in answer.headers


def test_fifteen_idle_minutes_end_the_token_and_not_the_sign_in(browser: Browser, box: Box) -> None:
    """Whoever comes back goes on, until sixteen hours are over."""
    box.clock.move(timedelta(minutes=16))
    assert me(browser) == httpx.codes.UNAUTHORIZED
    assert browser.call("POST", REFRESH).status_code == httpx.codes.OK
    assert me(browser) == httpx.codes.OK
    box.clock.move(LASTING)
    assert problem(browser.call("POST", REFRESH)) == (401, "not-signed-in")


def test_lost_answers_sign_nobody_out(browser: Browser, box: Box) -> None:
    """Fifty in a row, over an hour."""
    for _ in range(50):
        box.clock.move(timedelta(seconds=72))
        assert browser.call("POST", REFRESH, lost=True).status_code == httpx.codes.OK
    assert browser.call("POST", REFRESH).status_code == httpx.codes.OK
    assert me(browser) == httpx.codes.OK


def test_two_tabs_may_renew_at_once(browser: Browser) -> None:
    """Whichever answer the browser keeps, it goes on from there."""
    before = dict(browser.cookies)
    browser.call("POST", REFRESH)
    first = dict(browser.cookies)
    browser.cookies = dict(before)
    browser.call("POST", REFRESH)
    second = dict(browser.cookies)
    for kept in (first, second):
        browser.cookies = kept
        assert browser.call("POST", REFRESH).status_code == httpx.codes.OK
        assert me(browser) == httpx.codes.OK


def test_a_copied_secret_ends_the_sign_in_for_everybody(browser: Browser, box: Box) -> None:
    """Shown again when its successor was used, and not in the same moment."""
    stolen = dict(browser.cookies)
    browser.call("POST", REFRESH)
    browser.call("POST", REFRESH)
    box.clock.move(OVERLAP + timedelta(seconds=1))
    owner = dict(browser.cookies)
    browser.cookies = stolen
    assert problem(browser.call("POST", REFRESH)) == (401, "not-signed-in")
    browser.cookies = owner
    assert me(browser) == httpx.codes.UNAUTHORIZED
    assert browser.call("POST", REFRESH).status_code == httpx.codes.UNAUTHORIZED
    last = list(box.records.audit.rows())[-1].entry
    assert last.action == "user.session-copied"


def test_signing_out_ends_all_of_it_and_clears_no_storage(browser: Browser) -> None:
    """What waits on the tablet stays there."""
    kept = dict(browser.cookies)
    answer = browser.call("DELETE", "/v1/users/auth")
    assert answer.status_code == httpx.codes.NO_CONTENT
    assert browser.cookies == {}
    assert "storage" not in answer.headers.get("clear-site-data", "")
    browser.cookies = kept
    assert me(browser) == httpx.codes.UNAUTHORIZED
    assert browser.call("POST", REFRESH).status_code == httpx.codes.UNAUTHORIZED


@pytest.mark.parametrize("change", [{"active": False}, {"role": "researcher"}])
def test_whoever_is_changed_is_signed_out(
    browser: Browser, nurse: Person, admin: Person, change: dict[str, object]
) -> None:
    """Cookies end with the tokens."""
    admin.call("PATCH", nurse.home, json=change)
    assert me(browser) == httpx.codes.UNAUTHORIZED
    assert browser.call("POST", REFRESH).status_code == httpx.codes.UNAUTHORIZED


def test_a_cookie_set_beforehand_is_nobodys(http: TestClient[Litestar], nurse: Person) -> None:
    """A sign-in gives fresh secrets, whatever the browser sent (session fixation)."""
    browser = Browser(http)
    browser.cookies = {"__Host-spira": "chosen", "__Host-spira-refresh": "chosen"}
    browser.sign_in(nurse.user.username)
    assert "chosen" not in browser.cookies.values()
    assert me(browser) == httpx.codes.OK


@pytest.mark.parametrize("lacking", ["Origin", "X-SPIRA-Client"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", REFRESH), ("DELETE", "/v1/users/auth"), ("PUT", "/v1/envelopes/{id}")],
)
def test_a_change_by_cookie_comes_from_our_own_page(
    browser: Browser, lacking: str, method: str, path: str
) -> None:
    """Neither a form of another page nor a link rides on the cookies."""
    headers = {name: text for name, text in OWN.items() if name != lacking}
    cookie = "; ".join(f"{name}={text}" for name, text in browser.cookies.items())
    browser.http.cookies.clear()
    answer = browser.http.request(method, path, headers={**headers, "Cookie": cookie})
    assert problem(answer) == (403, "cross-site")
    assert me(browser) == httpx.codes.OK


def test_programs_need_neither_origin_nor_header(nurse: Person) -> None:
    """A token in the header is proof that no page rode on it."""
    answer = nurse.post_2022()
    assert answer.status_code == httpx.codes.OK


def test_people_see_words_and_programs_numbers(scene: Scene) -> None:
    """A probability goes to the app only where the box is set so."""
    owner = scene.people["owner"]
    browser = Browser(scene.http)
    browser.sign_in(owner.user.username)
    home = f"{owner.home}/inferences/{scene.inference_id}"
    shown = browser.call("GET", f"{home}/result").json()["result"]
    assert (shown["probability"], shown["output"]) == (None, [])
    assert shown["diagnosis"] in {"positive", "negative", "inconclusive"}
    (listed,) = browser.call("GET", f"{home}/results").json()["results"]
    assert listed["probability"] is None
    shift = browser.call("GET", f"/v1/hospitals/{scene.box.hospital.id}/inferences").json()
    assert shift["inferences"][0]["result"]["probability"] is None
    assert owner.call("GET", f"{home}/result").json()["result"]["probability"] is not None
