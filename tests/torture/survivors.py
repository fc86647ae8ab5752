"""What a box that comes back has to hold: everything acknowledged, whole, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from litestar.testing import TestClient

from appliance.adapters.sqlite_records import SqliteRecords
from appliance.bootstrap import Appliance, open_appliance
from appliance.core.audit import first_break
from appliance.core.errors import AudioDamaged
from appliance.server import create_app
from appliance.settings import read_settings
from appliance.usecases.housekeeping import erase_unreferenced
from appliance.usecases.models import SERVING
from tests.system.boxes import Client, wait_until

READY_WITHIN_S: Final = 30.0


@dataclass(frozen=True, kw_only=True)
class Step:
    """One request of a run.

    Attributes:
        name: for people.
        send: does it, or does it again.
        check: that a box which acknowledged it holds it.
        repeatable: whether it may be sent twice (it has an id of its own).
    """

    name: str
    send: Callable[[Client], httpx.Response]
    check: Callable[[Survivor], None]
    repeatable: bool = True


@dataclass(frozen=True, kw_only=True)
class Acknowledged:
    """A step and the moment at which its answer was here."""

    at_ns: int
    step: Step


@dataclass(kw_only=True)
class Run:
    """Steps in the order in which they were sent, and what was acknowledged of them.

    Attributes:
        account: of whoever sent them.
        token, user_id: empty until the sign-in was acknowledged.
        unreadable: whether its disk went on failing to read: then a result may say so.
    """

    account: Mapping[str, str]

    steps: list[Step] = field(default_factory=list)
    acknowledged: list[Acknowledged] = field(default_factory=list)
    token: str = ""
    user_id: str = ""
    unreadable: bool = False

    def until(self, at_ns: int) -> list[Step]:
        """Return the steps acknowledged before a moment."""
        return [known.step for known in self.acknowledged if known.at_ns < at_ns]


@dataclass(frozen=True, kw_only=True)
class Survivor:
    """A box that was opened again, serving in this process.

    Attributes:
        run: what it lived through.
        http: of whoever sent the requests, with the token of then.
        client: the same person.
    """

    run: Run
    appliance: Appliance
    http: httpx.Client
    client: Client

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Return what the database says."""
        records = self.appliance.database
        assert isinstance(records, SqliteRecords)
        with records.database.read() as connection:
            return [tuple(row) for row in connection.execute(statement)]


@contextmanager
def opened(directory: Path, run: Run) -> Iterator[Survivor]:
    """Open a box the way `spira serve` does, with its workers, and wait until it is ready."""
    with open_appliance(read_settings({}, directory=directory)) as appliance:
        app = create_app(appliance)
        with TestClient(app, base_url="http://127.0.0.1") as http:
            wait_until(
                lambda: http.get("/health/ready").status_code == httpx.codes.OK,
                READY_WITHIN_S,
                "the box to be ready",
            )
            http.headers["Authorization"] = f"Bearer {run.token}"
            client = Client(http=http, user_id=run.user_id)
            yield Survivor(run=run, appliance=appliance, http=http, client=client)


def assert_holds(survivor: Survivor, acknowledged: Sequence[Step]) -> None:
    """Hold a box to what it acknowledged, and to being whole."""
    for step in acknowledged:
        step.check(survivor)
    assert_whole(survivor)


def assert_whole(survivor: Survivor) -> None:
    """Hold a box to its own rows: nothing they name is missing, empty, other, or there twice."""
    appliance = survivor.appliance
    assert appliance.database.integrity_problems() == ()
    assert first_break(appliance.audit.rows()) is None
    for sha256 in appliance.recordings.content_hashes():
        assert appliance.audio.read(sha256)
    for version in appliance.models.versions():
        if version.state in SERVING:
            appliance.bundles.contents(version.digest)
    doubled = "SELECT inference_id FROM results GROUP BY inference_id, model_id HAVING count(*) > 1"
    assert survivor.rows(doubled) == []


def assert_converges(survivor: Survivor, run: Run, acknowledged: Sequence[Step]) -> None:
    """Send everything again: what was lost is stored, what was there is so once, all is scored."""
    steps = run.steps
    if "sign-in" not in {step.name for step in acknowledged}:
        sign_in_again(survivor, run.account)
    for step in steps:
        if step.repeatable:
            answer = step.send(survivor.client)
            assert answer.is_success, f"{step.name}: {answer.status_code} {answer.text}"
    _a_day_later(survivor.appliance)
    for step in steps:
        if step.repeatable:
            step.check(survivor)
    wait_until(lambda: _n_unfinished(survivor) == 0, READY_WITHIN_S, "everything to be scored")
    errors = survivor.rows("SELECT DISTINCT error_code FROM results WHERE state = 'error'")
    assert errors in ([], [(AudioDamaged.code,)] if run.unreadable else [])
    assert_whole(survivor)


def _a_day_later(appliance: Appliance) -> None:
    """Clear away what no row names, as the sweep does when it is a day old."""
    for sha256 in set(appliance.audio.hashes()).difference(appliance.recordings.content_hashes()):
        erase_unreferenced(sha256, audio=appliance.audio, recordings=appliance.recordings)


def sign_in_again(survivor: Survivor, account: Mapping[str, str]) -> None:
    """Sign in with name and password."""
    form = {"username": account["username"], "password": account["password"]}
    answer = survivor.http.post("/v1/users/auth", data=form)
    assert answer.is_success, answer.text
    survivor.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    survivor.client.user_id = answer.json()["id"]


def _n_unfinished(survivor: Survivor) -> int:
    statement = "SELECT count(*) FROM results WHERE state IN ('queued', 'running')"
    return int(survivor.rows(statement)[0][0])
