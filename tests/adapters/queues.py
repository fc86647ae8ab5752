"""What the tests of Huey share: a queue that serves, and a look into its file."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from appliance.adapters.huey_queue import HueyQueue
from appliance.core.ids import ResultId

ID = ResultId("00000000-0000-4000-8000-000000000001")
OTHER = ResultId("00000000-0000-4000-8000-000000000002")
WITHIN_S = 10.0
ROOT = Path(__file__).parents[2]


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until something is true, or fail."""
    deadline_s = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


@contextmanager
def serving(
    directory: Path, n_workers: int = 2, *, wait_at_most_s: float = 3600.0
) -> Iterator[tuple[HueyQueue, list[ResultId]]]:
    """Yield a queue with its workers, and what they have seen.

    They never look by themselves, so that a ring that is not heard fails its test.
    """
    seen: list[ResultId] = []
    queue = HueyQueue(directory, wait_at_most_s=wait_at_most_s)
    queue.start(seen.append, n_workers)
    try:
        yield queue, seen
    finally:
        assert queue.stop(WITHIN_S)


def wake_from_another_process(directory: Path, result_id: str) -> None:
    """Do what the console does beside a running server."""
    code = (
        "import sys; from pathlib import Path; from appliance.adapters.huey_queue import HueyQueue;"
        "HueyQueue(Path(sys.argv[1])).wake(sys.argv[2])"
    )
    subprocess.run([sys.executable, "-c", code, directory, result_id], cwd=ROOT, check=True)


def rows(directory: Path) -> list[bytes]:
    """Return what lies in the file."""
    with closing(sqlite3.connect(directory / "huey.db")) as connection:
        return [bytes(row[0]) for row in connection.execute("SELECT data FROM task ORDER BY id")]


def put(directory: Path, *contents: bytes) -> None:
    """Write jobs into the file from outside."""
    with closing(sqlite3.connect(directory / "huey.db")) as connection, connection:
        connection.executemany(
            "INSERT INTO task (queue, data) VALUES ('spira', ?)", [(c,) for c in contents]
        )
