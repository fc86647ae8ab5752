"""The canary in the serving process: at its hour, behind live work, ended by a stop."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from litestar.testing import TestClient

from appliance.core.account import Role
from appliance.core.audit import AuditAction
from appliance.core.bundle import BundleContents
from appliance.night import NightlyCanary
from tests.fakes_models import FakeBundleStore
from tests.web.boxes import Box
from tests.web.test_server import Predictor, app_of, eventually


def _n_sung(box: Box) -> int:
    return sum(row.entry.action is AuditAction.MODEL_CANARY for row in box.records.audit.rows())


def _is_running() -> bool:
    return any(thread.name.startswith("canary") for thread in threading.enumerate())


def _at_its_hour(box: Box, *, hours: int = 0) -> None:
    hour = (box.appliance().clock().astimezone().hour + hours) % 24
    box.settings = replace(box.settings, reconcile_every_s=0.05, quiet_hour=hour)


def test_the_server_has_it_sing_once_a_night(box: Box) -> None:
    """However often it looks; at another hour not at all."""
    _at_its_hour(box)
    with TestClient(app_of(box, Predictor()), base_url="http://box.local"):
        eventually(lambda: _n_sung(box) == 1)
        time.sleep(0.3)
    assert _n_sung(box) == 1

    _at_its_hour(box, hours=5)
    with TestClient(app_of(box, Predictor()), base_url="http://box.local"):
        time.sleep(0.3)
    assert _n_sung(box) == 1


def test_it_waits_while_a_result_is_awaited_and_a_stop_ends_that(box: Box) -> None:
    """A patient's result that is queued comes first, for as long as it takes."""
    _at_its_hour(box, hours=5)
    with TestClient(app_of(box, Predictor()), base_url="http://box.local") as http:
        box.add_person(http, "ana", Role.NURSE).post_2022()
    _at_its_hour(box)
    appliance = box.appliance()
    canary = NightlyCanary(appliance)

    canary.look()
    time.sleep(0.2)
    assert _n_sung(box) == 0
    assert _is_running()
    canary.stop()
    canary.wait(5.0)

    assert _n_sung(box) == 0
    eventually(lambda: not _is_running())


class SlowBundles(FakeBundleStore):
    """Bundles that are read when the test lets them be."""

    def __init__(self) -> None:
        """Hold everything back."""
        super().__init__()
        self.may_be_read = threading.Event()

    def contents(self, digest: str) -> BundleContents:
        """Wait, then read."""
        self.may_be_read.wait(10.0)
        return super().contents(digest)


def test_a_stop_waits_no_longer_than_it_says_for_a_version_under_way(box: Box) -> None:
    """And what that run comes to is not lost: the next look would tell."""
    _at_its_hour(box)
    bundles = SlowBundles()
    canary = NightlyCanary(replace(box.appliance(), bundles=bundles))
    canary.look()
    canary.stop()
    began_s = time.monotonic()
    canary.wait(0.2)
    assert 0.2 <= time.monotonic() - began_s < 2.0
    assert _is_running()
    bundles.may_be_read.set()
    canary.wait(5.0)
    eventually(lambda: not _is_running())
