"""What to do with one job id: this result, and then everything else that waits."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from appliance.core.errors import PredictionFailed, StorageFault
from appliance.core.ids import ResultId
from appliance.core.result import Result
from appliance.ports import JobQueue
from appliance.usecases.predict import Scoring, claim, failed, predict_claimed, write_answer

_log = logging.getLogger(__name__)


class Worker:
    """Answers results; shared by all worker threads of a process."""

    def __init__(
        self,
        scoring: Scoring,
        *,
        queue: JobQueue,
        n_workers: int,
        on_answer: Callable[[], None] = lambda: None,
    ) -> None:
        """Take what a prediction needs.

        Args:
            scoring: the ports of a prediction.
            queue: wakes the other threads when a result that had to run alone is done.
            n_workers: how many threads share this.
            on_answer: is told, in a worker's thread, that one more result is there.
        """
        self._on_answer = on_answer
        self._scoring = scoring
        self._queue = queue
        self._n_workers = n_workers
        self._stopping = threading.Event()
        self._not_given_back: set[ResultId] = set()

    def work(self, result_id: ResultId) -> None:
        """Answer this result and whatever else waits, until told to stop.

        An id is only a hint: the claim decides, so that lost and repeated ids do no harm.
        A job that fails is answered with its code and never ends the thread.
        """
        wanted: ResultId | None = result_id
        try:
            while not self._stopping.is_set():
                if not self._answer_one(wanted) and wanted is None:
                    return
                wanted = None
        except StorageFault as fault:
            # The minute's reconcile brings the result back.
            _log.error("job-not-stored", extra={"result_id": result_id, "code": fault.code})

    def stop(self) -> None:
        """Begin nothing new."""
        self._stopping.set()

    def give_back(self) -> None:
        """Release the claims that could not be released when they should: nobody works on them.

        Raises:
            StorageFault: it still cannot be done; to be called again.
        """
        for result_id in tuple(self._not_given_back):
            self._scoring.jobs.release(owner=self._scoring.owner, result_id=result_id)
            self._not_given_back.discard(result_id)

    def _answer_one(self, wanted: ResultId | None) -> bool:
        """Return whether there was something to answer."""
        began_s = self._scoring.ticks()
        claimed = claim(wanted, scoring=self._scoring)
        if claimed is None:
            return False
        try:
            predict_claimed(claimed, began_s=began_s, scoring=self._scoring)
        except StorageFault:
            self._give_back(claimed)
            raise
        except Exception:  # noqa: BLE001 - the job's edge
            # A fault of this program: nurse and IT have to see it, and the others go on.
            _log.exception("job-fault", extra={"result_id": claimed.id})
            write_answer(
                claimed, failed(PredictionFailed.code), began_s=began_s, scoring=self._scoring
            )
        self._on_answer()
        self._wake_others(claimed)
        return True

    def _give_back(self, claimed: Result) -> None:
        """Release the claim, so that one busy moment does not cost the length of a lease."""
        try:
            self._scoring.jobs.release(owner=self._scoring.owner, result_id=claimed.id)
        except StorageFault as fault:
            # Nothing can be written: it is tried again, and at last the claim runs out.
            self._not_given_back.add(claimed.id)
            _log.warning("claim-not-released", extra={"result_id": claimed.id, "code": fault.code})

    def _wake_others(self, answered: Result) -> None:
        """Wake the threads that were refused while this one had to run alone."""
        if answered.attempts > 1:
            for _ in range(self._n_workers - 1):
                self._queue.wake(answered.id)
