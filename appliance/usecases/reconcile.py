"""Put right what a crash left behind, and tell the queue of everything unfinished."""

from __future__ import annotations

from appliance.ports import Clock, JobQueue, JobRecords


def reconcile(
    *, owner: str, clock: Clock, jobs: JobRecords, queue: JobQueue, starting: bool
) -> int:
    """Queue every unfinished result again; may itself be repeated or killed at any time.

    Args:
        owner: this process and boot.
        clock: the present.
        jobs: the truth.
        queue: what is told.
        starting: nothing of this boot has run yet, so whatever runs was cut off by a crash.

    Returns:
        How many results wait.
    """
    waiting = jobs.reconcile(owner=owner, now=clock(), starting=starting)
    for result_id in waiting:
        queue.wake(result_id)
    return len(waiting)
