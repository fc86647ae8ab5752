"""A hard shift: a full box, two nurses at one tablet, a browser that dies while it sends."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from playwright.sync_api import Playwright, Route

from tests.browser import nurse
from tests.browser.tablet import DELIVERED_WITHIN_S, Tablet, kill_browser, stored, tablet
from tests.form_2022 import HC
from tests.system.boxes import Box, run_spira, wait_until

ENVELOPES = "**/v1/envelopes/*"
PATIENTS = (
    (nurse.RGH, "1425 9401-E"),
    ("13817615A", "1381 7615-A"),
    ("55834119D", "5583 4119-D"),
)
SLOW_BYTES_PER_S = 120_000
"""A recording of five seconds takes four."""


def second_nurse(box: Box) -> dict[str, str]:
    """Return an account of a second nurse of the same hospital."""
    told = run_spira(
        *("users", "add", "bia", "--hospital", HC, "--generate", "--json"),
        *("--data", str(box.data)),
    )
    account: dict[str, str] = json.loads(told.stdout)["user"]
    return account


def full(route: Route) -> None:
    """Answer as a box whose disk is full."""
    problem = {"type": "about:blank", "title": "Full", "status": 507, "code": "disk-full"}
    route.fulfill(
        status=507,
        headers={"Content-Type": "application/problem+json", "Retry-After": "1"},
        body=json.dumps(problem),
    )


def test_a_full_box_gets_everything_of_two_nurses_once_there_is_room(
    ward: Tablet, box: Box
) -> None:
    """Three patients of two nurses wait on one tablet; locked, it brings each home once."""
    other = second_nurse(box)
    ward.context.route(ENVELOPES, full)
    nurse.sign_in(ward, box.users["nurse"])
    nurse.one_patient(ward, *PATIENTS[0])
    ward.sees("Disco do servidor cheio")
    nurse.short_patient(ward, *PATIENTS[1])
    ward.tap("Fechar")
    ward.tap("Sair")
    ward.tap("Outra pessoa")
    nurse.give_name_password_and_pin(ward, other)
    nurse.short_patient(ward, *PATIENTS[2])
    ward.sees("3 avaliações guardadas neste aparelho")
    assert stored(box, "inferences") == 0
    ward.tap("Bloquear")
    ward.page.get_by_role("heading", name="Bloqueado").wait_for()
    ward.context.unroute(ENVELOPES)
    ward.finds_network()
    wait_until(lambda: stored(box, "envelopes") == 10, DELIVERED_WITHIN_S, "all three patients")
    assert [stored(box, table) for table in ("inferences", "recordings")] == [3, 7]
    assert authors(box) == {box.users["nurse"]["username"]: 2, other["username"]: 1}


def authors(box: Box) -> dict[str, int]:
    """Return whose inferences the box holds, and how many."""
    asked = "SELECT username, count(*) FROM inferences JOIN users ON users.id = user_id GROUP BY 1"
    with sqlite3.connect(box.data / "records.db") as records:
        return dict(records.execute(asked).fetchall())


def test_a_browser_killed_while_it_sends_goes_on_where_it_was(
    playwright: Playwright, box: Box, sound: Path, tmp_path: Path
) -> None:
    """Nothing is lost, nothing doubled, and the screen tells how far an upload got."""
    place = tmp_path / "tablet"
    with tablet(playwright, box.address, place, sound=sound) as ward:
        nurse.sign_in(ward, box.users["nurse"])
        wire = ward.context.new_cdp_session(ward.page)
        wire.send("Network.enable")
        slow = {"offline": False, "latency": 20, "downloadThroughput": -1}
        wire.send(
            "Network.emulateNetworkConditions", {**slow, "uploadThroughput": SLOW_BYTES_PER_S}
        )
        nurse.one_patient(ward)
        ward.page.get_by_text("Enviando").first.wait_for()
        wait_until(lambda: stored(box, "envelopes") >= 1, DELIVERED_WITHIN_S, "a first receipt")
        kill_browser(place)
    assert stored(box, "inferences") == 0
    with tablet(playwright, box.address, place, sound=sound) as ward:
        ward.open()
        wait_until(lambda: stored(box, "envelopes") == 6, DELIVERED_WITHIN_S, "every receipt")
    assert [stored(box, table) for table in ("inferences", "recordings")] == [1, 5]
