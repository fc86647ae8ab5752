"""The worker: one id leads to everything that waits, and no job takes the others down."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import cast

import pytest

from appliance.core.errors import DatabaseBusy, DiskFull, StorageFailed
from appliance.core.ids import ResultId
from appliance.core.result import Result, ResultState
from appliance.core.scores import Scores
from appliance.usecases.reconcile import reconcile
from appliance.worker import Worker
from tests.fakes import FakeRecords, open_fake_records
from tests.fakes_models import FakePredictor
from tests.usecases.ward import Ward

UNKNOWN = ResultId("ffffffff-ffff-4fff-8fff-ffffffffffff")


@pytest.fixture
def ward() -> Ward:
    """A furnished ward whose records are fakes."""
    return Ward(records=open_fake_records())


def submitted(ward: Ward) -> Result:
    """Submit one inference and return its result."""
    inference, _ = ward.submit(ward.request(ward.recordings()))
    (result,) = ward.records.inferences.results(inference.id)
    return result


def state_of(ward: Ward, result: Result) -> ResultState:
    """Return where a result stands now."""
    (now,) = ward.records.inferences.results(result.inference_id)
    return now.state


def worker_of(ward: Ward, n_workers: int = 3) -> Worker:
    """Return a worker of this ward."""
    return Worker(ward.scoring(), queue=ward.queue, n_workers=n_workers)


@pytest.mark.parametrize("hint", ["first", "last", "unknown"])
def test_one_id_leads_to_everything_that_waits(ward: Ward, hint: str) -> None:
    """Ids may be lost: whichever arrives, nothing is left waiting."""
    results = [submitted(ward) for _ in range(3)]
    woken = {"first": results[0].id, "last": results[-1].id, "unknown": UNKNOWN}[hint]

    worker_of(ward).work(woken)

    assert [state_of(ward, result) for result in results] == [ResultState.DONE] * 3
    assert len(ward.predictor.scored) == 3


def test_an_answered_result_is_not_computed_again(ward: Ward) -> None:
    """A repeated id costs a look at the database and nothing else."""
    result = submitted(ward)
    worker = worker_of(ward)
    worker.work(result.id)

    worker.work(result.id)

    assert len(ward.predictor.scored) == 1


def test_a_fault_of_the_program_is_an_error_people_see(
    ward: Ward, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug ends in `prediction-failed`, not in a result that never comes; the next goes on."""
    first = submitted(ward)
    ward.predictor.fault = ZeroDivisionError("14259401E")

    with caplog.at_level(logging.ERROR):
        worker_of(ward).work(first.id)
    ward.predictor.fault = None
    second = submitted(ward)
    worker_of(ward).work(second.id)

    (answered,) = ward.records.inferences.results(first.inference_id)
    assert (answered.state, answered.error_code) == (ResultState.ERROR, "prediction-failed")
    assert state_of(ward, second) is ResultState.DONE
    (record,) = caplog.records
    assert (record.getMessage(), record.__dict__["result_id"]) == ("job-fault", first.id)


def test_a_busy_moment_gives_the_claim_back(ward: Ward) -> None:
    """The next minute takes it up again, as if it had never been tried; others' work goes on."""
    result, other = submitted(ward), submitted(ward)
    lease_until = ward.now + timedelta(seconds=120)
    ward.records.jobs.claim(other.id, owner=ward.owner, now=ward.now, lease_until=lease_until)
    ward.predictor.fault = DatabaseBusy()

    worker_of(ward).work(result.id)

    (given_back,) = ward.records.inferences.results(result.inference_id)
    assert (given_back.state, given_back.attempts) == (ResultState.QUEUED, 0)
    assert state_of(ward, other) is ResultState.RUNNING


def test_a_disk_that_fails_leaves_the_result_to_be_taken_again(ward: Ward) -> None:
    """What cannot be stored is neither answered nor lost: the lease runs out."""
    result = submitted(ward)
    records = cast("FakeRecords", ward.records)

    class FailingPredictor(FakePredictor):
        def score(
            self, graph_sha256: str, inputs: Mapping[str, object], *, timeout_s: float
        ) -> Scores:
            """Break the disk of the records, and say so."""
            assert (graph_sha256, bool(inputs), timeout_s > 0) == (graph_sha256, True, True)
            records.audit.fault = StorageFailed()
            raise StorageFailed

    whole, ward.predictor = ward.predictor, FailingPredictor()

    worker_of(ward).work(result.id)
    assert state_of(ward, result) is ResultState.RUNNING

    records.audit.fault = None
    ward.predictor = whole
    ward.now += timedelta(seconds=121)
    waiting = reconcile(
        owner=ward.owner,
        clock=ward.clock,
        jobs=ward.records.jobs,
        queue=ward.queue,
        starting=False,
    )
    assert waiting == 1
    worker_of(ward).work(result.id)
    assert state_of(ward, result) is ResultState.DONE


def test_a_claim_that_could_not_be_given_back_is_given_back_when_it_can(ward: Ward) -> None:
    """A disk that was full for a moment does not cost the length of a lease."""
    result = submitted(ward)
    records = cast("FakeRecords", ward.records)

    class FullPredictor(FakePredictor):
        def score(
            self, graph_sha256: str, inputs: Mapping[str, object], *, timeout_s: float
        ) -> Scores:
            """Let the disk be full when the answer is to be stored."""
            assert (graph_sha256, bool(inputs), timeout_s > 0) == (graph_sha256, True, True)
            records.audit.fault = DiskFull()
            raise DiskFull

    ward.predictor = FullPredictor()
    worker = worker_of(ward)
    worker.work(result.id)
    with pytest.raises(DiskFull):
        worker.give_back()
    assert state_of(ward, result) is ResultState.RUNNING

    records.audit.fault = None
    worker.give_back()

    assert state_of(ward, result) is ResultState.QUEUED


def test_a_stopped_worker_begins_nothing(ward: Ward) -> None:
    """An orderly stop leaves what waits for the next start."""
    result = submitted(ward)
    worker = worker_of(ward)
    worker.stop()

    worker.work(result.id)

    assert state_of(ward, result) is ResultState.QUEUED


def test_the_others_are_woken_when_a_suspect_is_done(ward: Ward) -> None:
    """Threads that were refused while a suspect ran alone do not sleep until the next minute."""
    result = submitted(ward)
    ward.records.jobs.claim(
        result.id, owner="crashed", now=ward.now, lease_until=ward.now + timedelta(seconds=120)
    )
    ward.restart()
    ward.queue.lose_everything()

    worker_of(ward, n_workers=3).work(result.id)

    assert state_of(ward, result) is ResultState.DONE
    assert len(ward.queue.woken) == 2


def test_an_ordinary_result_wakes_nobody(ward: Ward) -> None:
    """Waking costs a write; only what held others up does it."""
    result = submitted(ward)
    ward.queue.lose_everything()

    worker_of(ward).work(result.id)

    assert ward.queue.woken == []
