"""Every call to the disk fails once: no answer promises what is not on disk, and the box leaves."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import httpx
import pytest

from appliance.core.errors import StorageFailed
from tests.system.boxes import Box, Client
from tests.torture.mounts import Mount, mounted
from tests.torture.power_cut import Cut, Images
from tests.torture.replay import Replay
from tests.torture.sent_steps import Ward, send, sign_in
from tests.torture.served import Served, served
from tests.torture.survivors import Run, assert_converges, assert_holds, opened
from tests.torture.trial import Trial

STORAGE_FAILED: Final = 7
LEAVES_WITHIN_S: Final = 15.0
KINDS: Final = ("fsync", "rename", "open", "write", "close")
LATCHING: Final = frozenset({"fsync", "write", "rename"})
UNDER: Final = "/box"
BAD_REQUEST: Final = 400
Answered: TypeAlias = tuple[str, int, str]
"""Step, status, and the code of a refusal."""
INDIFFERENT: Final = ("/huey.db", "/huey.db-wal", "/huey.db-journal", UNDER)
"""The queue may fail, and so may the directory when SQLite makes the queue's files in it. Where a
name was needed, the examination misses what it named."""
MISSED: Final = frozenset({"recordings-missing", "inference-not-found"})
"""What the rest of a submission is told when its beginning was not stored."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Which call fails."""

    kind: str
    nth: int
    lasting: bool

    def __str__(self) -> str:
        """Name it for people."""
        return f"{self.kind} {self.nth}{' and on' if self.lasting else ''}"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a run with a fault went.

    Attributes:
        started: whether it ever was ready.
        answers: what was answered.
        must: whether it had to leave by itself: a call failed before it was asked to.
        left: the exit status it left with by itself; None if it had to be asked.
        status: the exit status in the end.
        seen: what the disk saw.
    """

    started: bool
    answers: list[Answered]
    must: bool
    left: int | None
    status: int | None
    seen: dict[str, Any]


class Bench:
    """One mounted disk, a box to begin with, and a run a fault."""

    def __init__(self, directory: Path, mount: Mount, golden: dict[str, bytes]) -> None:
        """Make the box that every run begins with."""
        self._directory = directory
        self._mount = mount
        self._golden = golden
        self.template = Box.make(directory)

    def run(self, fault: Fault, trial: Trial) -> tuple[Run, Ended]:
        """Serve one submission from a box whose disk fails; note all that was answered."""
        at = self._mount.at / "box"
        self._mount.plan()
        # Through the mount: the kernel remembers what it saw of it for a second.
        shutil.rmtree(at, ignore_errors=True)
        shutil.copytree(self.template.data, at)
        ward = Ward(self._golden, trial.random("ward"))
        unreadable = fault.kind == "open" and fault.lasting
        run = Run(account=self.template.users["nurse"], unreadable=unreadable)
        self._mount.plan(under=UNDER, kind=fault.kind, nth=fault.nth, lasting=fault.lasting)
        with served(self._mount.at / "box", self._directory / "serve.log") as server:
            started = server.becomes_ready(may_fail=fault.lasting)
            answers = list(_submission(server, ward, run)) if started else []
            must = must_leave(self._mount.seen(), answers)
            left = server.ended(LEAVES_WITHIN_S if must else 0)
            server.stop()
            status = server.ended(LEAVES_WITHIN_S)
        return run, Ended(
            started=started,
            answers=answers,
            must=must,
            left=left,
            status=status,
            seen=self._mount.seen(),
        )

    def examine(self, run: Run) -> None:
        """Cut the power at the last answer, and at the end: all that was acknowledged is there."""
        replay = Replay(self._mount.notes)
        images = Images(replay, self._directory / "contents")
        replay.adopt(self.template.data, UNDER)
        answered = max((known.at_ns for known in run.acknowledged), default=0)
        for n_done in (replay.n_done_at(answered), len(replay.operations)):
            replay.go_to(n_done)
            at = self._directory / "image"
            images.build(images.of(UNDER, Cut.ALL, random.Random(0)), at)  # noqa: S311 - no luck
            self._examine(at, run)
            shutil.rmtree(at)
        shutil.rmtree(self._directory / "contents")

    def _examine(self, at: Path, run: Run) -> None:
        acknowledged = [known.step for known in run.acknowledged]
        with opened(at, run) as survivor:
            assert_holds(survivor, acknowledged)
            assert_converges(survivor, run, acknowledged)

    @property
    def log(self) -> str:
        """What the server said last."""
        return (self._directory / "serve.log").read_text()


def must_leave(seen: dict[str, Any], answers: list[Answered]) -> bool:
    """Return whether a call failed after which a box acknowledges nothing any more.

    Of a long write the kernel may make several calls, and tell a program that a part was
    written: it writes the rest, and nothing has failed.
    """
    hit = str(seen["hit"])
    if not hit or hit.endswith(INDIFFERENT) or seen["kind"] not in LATCHING:
        return False
    return seen["kind"] != "write" or any(status >= BAD_REQUEST for _, status, _ in answers)


def _submission(server: Served, ward: Ward, run: Run) -> Iterator[Answered]:
    """Send one submission, as long as somebody answers; yield what is answered."""
    with httpx.Client(base_url=server.address, timeout=30) as http, suppress(httpx.TransportError):
        for _attempt in range(2):
            answer = sign_in(http, run)
            yield "sign-in", answer.status_code, _code(answer)
            if answer.is_success:
                break
        http.headers["Authorization"] = f"Bearer {run.token}"
        client = Client(http=http, user_id=run.user_id)
        for step in ward.submission():
            answer = send(step, client, run)
            yield step.name, answer.status_code, _code(answer)
            if _code(answer) == StorageFailed.code:
                ready = http.get("/health/ready").status_code
                assert ready == httpx.codes.SERVICE_UNAVAILABLE, ready


def _code(answer: httpx.Response) -> str:
    if answer.is_success:
        return ""
    assert answer.headers["content-type"].startswith("application/problem+json")
    return str(answer.json()["code"])


@pytest.fixture
def bench(tmp_path: Path, golden: dict[str, bytes]) -> Iterator[Bench]:
    """A bench that leaves nothing."""
    with mounted(tmp_path) as mount:
        yield Bench(tmp_path, mount, golden)
    shutil.rmtree(tmp_path, ignore_errors=True)


def faults(trial: Trial, seen: dict[str, int]) -> list[Fault]:
    """Return the faults of this run: every one, or some of each kind."""
    found = []
    for kind in KINDS:
        every = range(1, seen[kind] + 1)
        n_faults = trial.amount(short=min(4, len(every)), long=len(every))
        for nth in sorted(trial.random(kind).sample(every, n_faults)):
            found += [Fault(kind=kind, nth=nth, lasting=False)]
            if trial.long and kind != "close":
                found += [Fault(kind=kind, nth=nth, lasting=True)]
    return found


def judge(ended: Ended, log: str, *, lasting: bool) -> None:
    """Hold how a run ended to what is promised of a disk that fails."""
    assert "\nTraceback" not in log
    assert "request-failed" not in log
    for step, status, code in ended.answers:
        assert status < BAD_REQUEST or status == 503 or code in MISSED, f"{step}: {status} {code}"
    codes = [code for step, _status, code in ended.answers if step != "result"]
    if StorageFailed.code in codes:
        assert "" not in codes[codes.index(StorageFailed.code) :], "acknowledged after a failure"
    if not ended.seen["hit"]:
        assert (ended.started, ended.status) == (True, 0)
        return
    if ended.must:
        assert ended.left == STORAGE_FAILED, f"left with {ended.left}, ended with {ended.status}"
    if must_leave(ended.seen, ended.answers):
        assert ended.status == STORAGE_FAILED
    assert ended.status in {0, STORAGE_FAILED}
    if not ended.started:
        # Where the model can never be read it goes on waiting, not ready.
        assert ended.status == STORAGE_FAILED or lasting


def test_eio(trial: Trial, bench: Bench) -> None:
    """No answer promises what is not on disk; a box whose disk fails leaves and comes back."""
    _run, whole = bench.run(Fault(kind="", nth=0, lasting=False), trial)
    assert whole.status == 0, bench.log
    ends: Counter[str] = Counter()
    for fault in faults(trial, whole.seen["seen"]):
        try:
            run, ended = bench.run(fault, trial)
            judge(ended, bench.log, lasting=fault.lasting)
            bench.examine(run)
        except BaseException as failure:
            failure.add_note(f"{fault} {bench.log}")
            raise
        ends[str(ended.status)] += 1
    trial.sum_up(f"eio: {sum(ends.values())} calls failed, nothing acknowledged was lost")
