"""The life of inferences under every order of submit, repeat, crash, restart and predict."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from appliance.adapters.sqlite_records import SqliteRecords, open_records
from appliance.core.errors import ContentConflict
from appliance.core.ids import InferenceId, ResultId
from appliance.core.inference import InferenceStatus
from appliance.core.result import MAX_CRASHES_ALONE, Result, ResultState
from appliance.core.submission import InferenceRequest
from appliance.ports import Stored
from appliance.usecases.predict import predict_next
from tests.builders import an_answer, an_audit, digest_of
from tests.contracts.records import Records
from tests.fakes import open_fake_records
from tests.usecases.ward import Ward

ANSWERED = {ResultState.DONE, ResultState.ERROR}


class LifeOfInferences(RuleBasedStateMachine):
    """Nothing acknowledged is lost, each has exactly one result, and poison ends as an error.

    Whatever ran alone through three crashes is poison; who pulled the plug cannot be known.

    A *poisonous* inference ends the process whenever a worker runs it.
    """

    requests = Bundle("requests")

    def open_records(self) -> Records:
        """Return empty records; the machine is run with fakes and with the real ones."""
        return open_fake_records()

    def reopen_records(self) -> None:
        """Do to the records what the end of a process does."""

    def close_records(self) -> None:
        """Give back what `open_records` took."""

    @initialize()
    def furnish(self) -> None:
        """Begin with a furnished ward and two recordings that every inference may have taken."""
        self.ward = Ward(records=self.open_records())
        self.acknowledged: set[InferenceId] = set()
        self.poisonous: set[InferenceId] = set()
        self.running: list[Result] = []
        self.answers: dict[ResultId, Result] = {}
        self.suspects: set[ResultId] = set()
        self.crashes_alone: Counter[ResultId] = Counter()

    @rule(target=requests, poisonous=st.booleans())
    def submit(self, poisonous: bool) -> InferenceRequest:
        """A new inference is acknowledged."""
        request = self.ward.request(self.ward.recordings())
        _, stored = self.ward.submit(request)
        assert stored is Stored.NEW
        self.acknowledged.add(request.id)
        if poisonous and len(self.poisonous) < 2:
            self.poisonous.add(request.id)
        return request

    @rule(request=requests)
    def repeat(self, request: InferenceRequest) -> None:
        """A client that did not hear the answer sends the same again."""
        _, stored = self.ward.submit(request)
        assert stored is Stored.SAME

    @rule(request=requests)
    def contradict(self, request: InferenceRequest) -> None:
        """The same id with other content changes nothing."""
        other = self.ward.request({}, id=request.id, content_sha256=digest_of("other"))
        with pytest.raises(ContentConflict):
            self.ward.submit(other)

    @precondition(lambda self: not self.running)
    @rule()
    def predict(self) -> None:
        """A worker takes the next result and answers it, or dies of it."""
        waiting = self._next_is_poisonous()
        if waiting is None:
            predict_next(None, scoring=self.ward.scoring())
        elif waiting:
            self.claim()
            self.crash()

    @rule()
    def claim(self) -> None:
        """A worker takes the next result and is slow about it."""
        claimed = self.ward.records.jobs.claim(
            None,
            owner=self.ward.owner,
            now=self.ward.clock(),
            lease_until=self.ward.clock() + timedelta(seconds=120),
        )
        if claimed is not None:
            self.running.append(claimed)

    @precondition(lambda self: self.running)
    @rule()
    def finish(self) -> None:
        """A slow worker answers; of poison it would have died."""
        claimed = self.running.pop(0)
        if claimed.inference_id in self.poisonous:
            self.running.insert(0, claimed)
            self.crash()
            return
        assert self.ward.records.jobs.complete(
            claimed.id,
            an_answer(),
            owner=self.ward.owner,
            at=self.ward.clock(),
            audit=an_audit(),
        )

    @rule()
    def a_minute_passes(self) -> None:
        """The box looks again for what is unfinished; no lease has run out."""
        self.ward.minute()

    @rule()
    def crash(self) -> None:
        """The process is killed and starts again."""
        late, late_owner = list(self.running), self.ward.owner
        for claimed in late:
            if claimed.id in self.suspects:
                assert len(late) == 1, "a suspect runs alone"
                self.crashes_alone[claimed.id] += 1
            self.suspects.add(claimed.id)
        self.running.clear()
        self.reopen_records()
        self.ward.restart()
        for claimed in late:
            assert not self.ward.records.jobs.complete(
                claimed.id, an_answer(), owner=late_owner, at=self.ward.clock(), audit=an_audit()
            )

    @rule()
    def stop_in_order(self) -> None:
        """The process is asked to end, and starts again: that counts as no attempt."""
        before = {r.id: r.attempts for r in self.running}
        released = self.ward.records.jobs.release(owner=self.ward.owner)
        assert released == len(self.running)
        self.running.clear()
        after = {r.id: r.attempts for r in self._results() if r.id in before}
        assert all(after[one] == before[one] - 1 for one in before)
        self.reopen_records()
        self.ward.restart()

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        """Every acknowledged inference is there with exactly one result."""
        if not hasattr(self, "ward"):
            return
        results = self._results()
        assert {r.inference_id for r in results} == self.acknowledged
        assert len(results) == len(self.acknowledged)

    @invariant()
    def an_answer_never_changes(self) -> None:
        """What was answered once stays as it is, and its inference says the same."""
        if not hasattr(self, "ward"):
            return
        for result in self._results():
            if result.state in ANSWERED:
                assert self.answers.setdefault(result.id, result) == result
                inference = self.ward.records.inferences.inference(result.inference_id)
                expected = (
                    InferenceStatus.ERROR
                    if result.state is ResultState.ERROR
                    else InferenceStatus.COMPLETED
                )
                assert inference.status is expected

    def teardown(self) -> None:
        """In the end everything is answered: the good ones completed, poison an error."""
        if not hasattr(self, "ward"):
            return
        try:
            self.everything_is_answered_in_the_end()
        finally:
            self.close_records()

    def everything_is_answered_in_the_end(self) -> None:
        """Let a last boot work until nothing is left."""
        self.crash()
        for _ in range(len(self.acknowledged) * (MAX_CRASHES_ALONE + 2) + 1):
            self.ward.minute()
            self.predict()
        for result in self._results():
            poison = self.crashes_alone[result.id] >= MAX_CRASHES_ALONE
            assert poison or result.inference_id not in self.poisonous
            assert result.state is (ResultState.ERROR if poison else ResultState.DONE)
            assert (result.error_code == "prediction-poisonous") is poison

    def _results(self) -> list[Result]:
        inferences = self.ward.records.inferences
        return [r for one in inferences.each() for r in inferences.results(one.id)]

    def _next_is_poisonous(self) -> bool | None:
        """Return whether the next result to be claimed would end the process; None: none waits.

        Claiming is the only way to know which is next, so it is claimed and released.
        """
        jobs, now = self.ward.records.jobs, self.ward.clock()
        claimed = jobs.claim(
            None, owner="looking", now=now, lease_until=now + timedelta(seconds=120)
        )
        if claimed is None:
            return None
        jobs.release(owner="looking")
        if claimed.inference_id in self.poisonous:
            return True
        predict_next(claimed.id, scoring=self.ward.scoring())
        return False


class LifeInSqlite(LifeOfInferences):
    """The same life in the real database, closed and opened again by every crash."""

    def open_records(self) -> Records:
        """Return records in a fresh file."""
        self.directory = tempfile.TemporaryDirectory()
        self.opened: SqliteRecords = open_records(Path(self.directory.name) / "records.db")
        return self.opened

    def reopen_records(self) -> None:
        """Close the file and open it again."""
        self.opened.close()
        self.opened = open_records(Path(self.directory.name) / "records.db")
        self.ward.records = self.opened

    def close_records(self) -> None:
        """Close the file and remove it."""
        self.opened.close()
        self.directory.cleanup()


TestLifeOfInferences = LifeOfInferences.TestCase
TestLifeOfInferences.settings = settings(max_examples=25, deadline=None)
TestLifeInSqlite = LifeInSqlite.TestCase
TestLifeInSqlite.settings = settings(
    max_examples=8, suppress_health_check=[HealthCheck.too_slow], deadline=None
)
