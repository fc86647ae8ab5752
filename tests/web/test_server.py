"""The life of the process: put right, start, look again, stop in order."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from litestar.testing import TestClient

from appliance.core.account import Role
from appliance.core.errors import DiskFull, GraphRefused
from appliance.core.ids import ModelVersionId
from appliance.core.result import ResultState
from appliance.server import create_app
from tests.builders import a_model_version, an_audit, digest_of
from tests.fakes_models import FakeBundleStore
from tests.web.boxes import Box


class Predictor:
    """Loads what it is asked to, or refuses it."""

    def __init__(self, *, refuses: bool = False) -> None:
        """Begin with nothing loaded."""
        self.refuses = refuses
        self.sessions: set[str] = set()

    def ensure_loaded(self, graph_sha256: str, graph: Callable[[], bytes]) -> None:
        """Remember the graph."""
        del graph
        if self.refuses:
            raise GraphRefused
        self.sessions.add(graph_sha256)

    def loaded(self) -> frozenset[str]:
        """Return what is loaded."""
        return frozenset(self.sessions)

    def unload(self, graph_sha256: str) -> None:
        """Forget the graph."""
        self.sessions.discard(graph_sha256)


def app_of(
    box: Box,
    predictor: Predictor,
    failed: threading.Event | None = None,
    *,
    bundles: FakeBundleStore | None = None,
) -> Any:  # noqa: ANN401
    """Return the whole application over the fakes of a box."""
    box.settings = replace(box.settings, reconcile_every_s=0.05)
    appliance = replace(
        box.appliance(), predictor=cast("Any", predictor), bundles=bundles or FakeBundleStore()
    )
    return create_app(appliance, storage_failed=failed)


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until it holds; fail after ten seconds."""
    deadline_s = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_it_becomes_ready_when_the_models_are_loaded(box: Box) -> None:
    """Off the request path: the first request finds the session warm."""
    predictor = Predictor()
    with TestClient(app_of(box, predictor), base_url="http://box.local") as http:
        eventually(lambda: http.get("/health/ready").status_code == 200)
        assert predictor.sessions == {box.model.active.graph_sha256}  # type: ignore[union-attr]


def test_a_switch_of_versions_is_followed_without_a_restart(box: Box) -> None:
    """The new version is loaded and the old one unloaded within a tick."""
    predictor = Predictor()
    with TestClient(app_of(box, predictor), base_url="http://box.local") as http:
        eventually(lambda: http.get("/health/ready").status_code == 200)
        newer = a_model_version(
            id=ModelVersionId("newer"),
            model_id=box.model.id,
            version="9.0.0",
            sequence=9,
            digest=digest_of("newer manifest"),
            graph_sha256=digest_of("newer graph"),
        )
        box.records.models.add_version(newer, audit=an_audit())
        box.records.models.activate(newer.id, default=True, audit=an_audit())
        eventually(lambda: predictor.sessions == {newer.graph_sha256})


def test_it_is_not_ready_while_its_model_cannot_be_loaded(box: Box) -> None:
    """And tries again until it can."""
    predictor = Predictor(refuses=True)
    with TestClient(app_of(box, predictor), base_url="http://box.local") as http:
        answer = http.get("/health/ready")
        assert (answer.status_code, answer.json()["lacking"]) == (503, ["models"])
        predictor.refuses = False
        eventually(lambda: http.get("/health/ready").status_code == 200)


def test_a_failed_disk_ends_readiness(box: Box) -> None:
    """Whoever meets it sets the event the process watches as well."""
    failed = threading.Event()
    with TestClient(app_of(box, Predictor(), failed), base_url="http://box.local") as http:
        eventually(lambda: http.get("/health/ready").status_code == 200)
        failed.set()
        assert http.get("/health/ready").json()["lacking"] == ["storage"]


def test_a_box_starts_on_a_full_disk_and_begins_to_score_when_there_is_space(
    box: Box,
) -> None:
    """A box that left again and again would neither sign in nor show a result."""
    box.records.audit.fault = DiskFull()
    with TestClient(app_of(box, Predictor()), base_url="http://box.local") as http:
        eventually(lambda: http.get("/health/ready").json().get("lacking") == ["workers"])
        assert box.queue.work is None

        box.records.audit.fault = None
        eventually(lambda: http.get("/health/ready").status_code == 200)
        assert box.queue.work is not None


def test_ballast_is_held_again_by_itself(box: Box) -> None:
    """Nobody has to remember that the disk was full."""
    with TestClient(app_of(box, Predictor()), base_url="http://box.local"):
        eventually(lambda: box.space.held == box.space.ballast)
        box.space.give_up()
        eventually(lambda: box.space.held == box.space.ballast)


def test_what_a_crash_left_is_put_right_before_any_worker_starts(box: Box) -> None:
    """A running result of another boot is queued again and the worker told."""
    with box.serving() as http:
        box.add_person(http, "ana", Role.NURSE).post_2022()
    left = box.records.jobs.claim(
        None, owner="before", now=box.clock(), lease_until=box.clock() + timedelta(hours=1)
    )
    assert left is not None
    box.queue.lose_everything()
    with TestClient(app_of(box, Predictor()), base_url="http://box.local"):
        assert left.id in box.queue.woken
        assert box.queue.work is not None


def test_what_crashes_left_of_bundles_is_swept(box: Box) -> None:
    """Directories that no version has, a day later."""
    bundles = FakeBundleStore(kept={"0" * 64: {}}, age_s={"0" * 64: 90_000.0})
    app = app_of(box, Predictor(), bundles=bundles)
    with TestClient(app, base_url="http://box.local"):
        eventually(lambda: bundles.installed() == frozenset())


def test_what_the_queue_forgot_is_brought_back(box: Box) -> None:
    """Every so often the truth is asked, and the worker told again."""
    with TestClient(app_of(box, Predictor()), base_url="http://box.local") as http:
        box.add_person(http, "ana", Role.NURSE).post_2022()
        box.queue.lose_everything()
        eventually(lambda: bool(box.queue.woken))


@pytest.mark.parametrize("stuck", [False, True])
def test_an_orderly_stop_gives_claims_back(
    box: Box, stuck: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """The consumer first, then the claims: a stop counts as no attempt."""
    box.queue.stuck = stuck
    with (
        caplog.at_level(logging.INFO),
        TestClient(app_of(box, Predictor()), base_url="http://box.local") as http,
    ):
        nurse = box.add_person(http, "ana", Role.NURSE)
        inference_id = nurse.post_2022().json()["inference_id"]
        box.records.jobs.claim(
            None, owner="test", now=box.clock(), lease_until=box.clock() + timedelta(minutes=2)
        )
    assert box.queue.work is None
    (result,) = box.records.inferences.results(inference_id)
    assert (result.state, result.attempts) == (ResultState.QUEUED, 0)
    (stopped,) = [entry for entry in caplog.records if entry.message == "workers-stopped"]
    assert stopped.__dict__["in_time"] is not stuck


class Faulty:
    """Queries of jobs of which one fails in a way nobody expected, for as long as it is told."""

    def __init__(self, jobs: Any) -> None:  # noqa: ANN401 - stands in front of the port
        """Fail at nothing yet."""
        self.jobs = jobs
        self.n_faults_left = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as above
        """Pass on, or fail."""
        if name != "release" and self.n_faults_left > 0:
            self.n_faults_left -= 1
            raise RuntimeError("row 14259401E")
        return getattr(self.jobs, name)


@pytest.mark.parametrize("n_faults", [2, 1_000_000])
def test_a_fault_nobody_expected_ends_neither_the_looking_nor_the_stop(
    box: Box, caplog: pytest.LogCaptureFixture, n_faults: int
) -> None:
    """It is logged by its kind alone and tried again; the workers are stopped at the end."""
    box.settings = replace(box.settings, reconcile_every_s=0.05)
    jobs = Faulty(box.records.jobs)
    appliance = replace(box.appliance(), predictor=cast("Any", Predictor()), jobs=cast("Any", jobs))
    with TestClient(create_app(appliance), base_url="http://box.local") as http:
        jobs.n_faults_left = n_faults
        eventually(lambda: "not-reconciled" in [entry.message for entry in caplog.records])
        if n_faults == 2:
            eventually(lambda: jobs.n_faults_left == 0)
            box.add_person(http, "ana", Role.NURSE).post_2022()
            box.queue.lose_everything()
            eventually(lambda: bool(box.queue.woken))

    assert box.queue.work is None
    faults = [entry for entry in caplog.records if entry.message == "not-reconciled"]
    assert {entry.__dict__["kind"] for entry in faults} == {"RuntimeError"}
    assert "14259401E" not in caplog.text


def test_what_crashes_left_is_swept_while_it_serves(box: Box) -> None:
    """Not before: a disk full of recordings must not hold up the start."""
    box.audio.begin().crashed = True
    box.audio.now_s = lambda: time.time() + 2 * 86_400.0
    with TestClient(app_of(box, Predictor()), base_url="http://box.local"):
        eventually(lambda: not box.audio.parts)
