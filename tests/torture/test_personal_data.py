"""Values planted in every place a client can write to are read nowhere they should not be (S14)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.system.boxes import Box, run_spira
from tests.torture.personal import canary, found_in, leaks
from tests.torture.planting import everything, speak_nonsense
from tests.torture.trial import Trial


@dataclass
class Listener:
    """Every answer, and those that repeat what was sent."""

    n_answers: int = 0
    n_errors: int = 0
    statuses: set[int] = field(default_factory=set)
    echoes: list[str] = field(default_factory=list)

    def hear(self, answer: httpx.Response) -> None:
        """Look at an answer; names of fields are a client's own, and may be named back."""
        self.n_answers += 1
        self.statuses.add(answer.status_code)
        if not answer.is_error:
            return
        self.n_errors += 1
        said = answer.json()
        for error in said.get("errors", ()):
            error.pop("field")
        told = json.dumps(said) + str(dict(answer.headers))
        if found_in(told):
            self.echoes.append(f"{answer.request.method} {answer.request.url}: {told[:400]}")


@pytest.fixture
def talkative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    """A box that logs all it can."""
    monkeypatch.setenv("SPIRA_LOG_LEVEL", "debug")
    box = Box.make(tmp_path)
    box.start()
    yield box
    box.end()


def test_what_was_planted_is_read_nowhere(
    trial: Trial, talkative: Box, golden: dict[str, bytes]
) -> None:
    """No log at its most talkative, no error, no metric and no finding of `doctor` repeats it."""
    listener = Listener()
    for number in range(trial.amount(short=1, long=10)):
        for answer in everything(talkative, golden, number):
            listener.hear(answer)
        speak_nonsense(talkative)
    metrics = httpx.get(f"{talkative.address}/metrics").text
    doctor = run_spira("doctor", "--json", "--data", str(talkative.data), check=False)
    room = talkative.data.parent
    lines = (room / "serve.log").read_text().splitlines()
    assert not listener.echoes, "\n".join(listener.echoes[:20])
    assert not list(leaks(room)), "\n".join(list(leaks(room))[:20])
    assert not found_in(metrics + doctor.stdout + doctor.stderr)
    lacking = {400, 401, 403, 404, 405, 409, 413, 415, 416, 421, 422, 500} - listener.statuses
    assert not lacking, f"no answer was a {sorted(lacking)}"
    trial.sum_up(
        f"personal data: values planted in every field, header, query, path, file and user name of"
        f" {listener.n_answers:,} requests ({listener.n_errors:,} errors of"
        f" {len(listener.statuses)} statuses): 0 in {len(lines):,} lines of log at level debug,"
        " 0 in error bodies, metrics and doctor"
    )


@pytest.mark.parametrize(
    "line",
    [
        '{"event": "sign-in-refused", "name": "' + canary("user") + '"}',
        '{"event": "stored", "local": "Hospital das Cl\\u00ednicas"}',
        '{"event": "stored", "rgh": "14259401e"}',
        '{"token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.x"}',
        "password h83v-avw9-hbpk-c6ns",
    ],
)
def test_the_reader_of_logs_sees_what_it_looks_for(tmp_path: Path, line: str) -> None:
    """A trial that could not fail would prove nothing; ids are no secrets."""
    (tmp_path / "serve-planted.txt").write_text(line)
    assert found_in(line)
    assert not found_in('{"inference_id": "00000000-0000-4000-8000-000000000001"}')
