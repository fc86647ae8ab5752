"""The web app is served file by file: what was built, and nothing else."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from appliance.web.application import create_web
from appliance.web.tablet_app import read_app
from tests.web.boxes import Box

SCRIPT = b"console.log(1);" * 100


@pytest.fixture
def http(box: Box, tmp_path: Path) -> Iterator[TestClient[Litestar]]:
    """A box with a small app."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_bytes(b"<!doctype html><title>SPIRA</title>")
    (tmp_path / "assets" / "index-1a2b.js").write_bytes(SCRIPT)
    (tmp_path / "assets" / "index-1a2b.js.map").write_bytes(b"{}")
    (tmp_path / "icon.png").write_bytes(b"\x89PNG")
    (tmp_path / ".secret.json").write_bytes(b"{}")
    app = create_web(box.appliance(), readiness=box.readiness, assets=read_app(tmp_path))
    with TestClient(app, base_url="http://box.local", raise_server_exceptions=False) as client:
        yield client


def test_home_is_the_page_and_is_asked_for_again(http: TestClient[Litestar]) -> None:
    """A new release is seen at the next visit."""
    answer = http.get("/")
    assert answer.text == http.get("/index.html").text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    again = http.get("/", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (httpx.codes.NOT_MODIFIED, b"")


def test_what_carries_its_digest_in_its_name_lasts(http: TestClient[Litestar]) -> None:
    """And comes packed to whoever can unpack it."""
    answer = http.get("/assets/index-1a2b.js", headers={"Accept-Encoding": "br, gzip;q=0.8"})
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.content == SCRIPT
    assert int(answer.headers["content-length"]) == len(gzip.compress(SCRIPT, mtime=0))
    plain = http.get("/assets/index-1a2b.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == SCRIPT


@pytest.mark.parametrize(
    "path",
    [
        "/.secret.json",
        "/assets/index-1a2b.js.map",
        "/assets/%2e%2e/.secret.json",
        "/assets",
        "/elsewhere",
    ],
)
def test_nothing_else_is_served(http: TestClient[Litestar], path: str) -> None:
    """Neither hidden files nor kinds nobody named, nor what lies above."""
    assert http.get(path).status_code == httpx.codes.NOT_FOUND


def test_a_box_without_the_app_says_what_to_do(box: Box) -> None:
    """Whoever opens the address of a bare checkout learns how to build it."""
    with box.serving() as http:
        answer = http.get("/")
    assert answer.status_code == httpx.codes.NOT_FOUND
    assert answer.json()["code"] == "app-not-built"


def test_a_directory_without_a_page_is_no_app(tmp_path: Path) -> None:
    """A build that was broken off is not served by halves."""
    (tmp_path / "sw.js").write_bytes(b"")
    assert read_app(tmp_path) == {}
    assert read_app(tmp_path / "nowhere") == {}


@pytest.mark.parametrize(("offline", "worker"), [(True, b"keep"), (False, b"leave")])
def test_a_box_can_make_tablets_forget_the_app(
    tmp_path: Path, *, offline: bool, worker: bytes
) -> None:
    """The worker that ends it stands in the place of the other, and nowhere else."""
    (tmp_path / "index.html").write_bytes(b"<!doctype html>")
    (tmp_path / "sw.js").write_bytes(b"keep")
    (tmp_path / "sw-leave.js").write_bytes(b"leave")
    assets = read_app(tmp_path, offline=offline)
    assert assets["/sw.js"].content == worker
    assert "/sw-leave.js" not in assets
