"""The stream of new results: in order, nothing twice, nothing of others, and it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest

from appliance.core.errors import StorageFailed
from appliance.core.ids import InferenceId
from appliance.core.inference import InferenceStatus, Settled
from appliance.web.events import answers_after
from appliance.web.news import News
from tests.form_2022 import FORM_2022
from tests.web.boxes import Person
from tests.web.scenes import Scene

ID = InferenceId("7b0d1c5e-0000-4000-8000-000000000001")


class Answers:
    """What was answered so far, read as the records are."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.seqs: list[int] = []

    def read(self, after: int) -> tuple[Settled, ...]:
        """Return those after `after`."""
        return tuple(
            Settled(seq=seq, inference_id=ID, status=InferenceStatus.COMPLETED)
            for seq in self.seqs
            if seq > after
        )


async def heard(
    answers: Answers, *, n: int, between: Callable[[News], None] = News.ring, lasting_s: float = 5.0
) -> list[bytes]:
    """Read a stream until `n` pieces came or it ended; `between` is done after each piece."""
    news = News()
    news.listen(asyncio.get_running_loop())
    pieces = []
    async for piece in answers_after(0, answers.read, news=news, ping_s=0.05, lasting_s=lasting_s):
        pieces.append(piece)
        if len(pieces) == n:
            break
        between(news)
    return pieces


def test_each_answer_is_told_once_and_in_order() -> None:
    """What was there before, and what came while somebody listened."""
    answers = Answers()
    answers.seqs = [3]
    later = iter([7, 9])

    def another(news: News) -> None:
        if answers.seqs[-1] < 9:
            answers.seqs.append(next(later))
        news.ring()

    pieces = asyncio.run(heard(answers, n=4, between=another))
    assert [p.split(b"\n")[1] for p in pieces[1:]] == [b"id: 3", b"id: 7", b"id: 9"]
    assert pieces[0] == b"retry: 2000\n\n"


def test_silence_is_broken_by_pings() -> None:
    """Both ends learn that the other is there."""
    pieces = asyncio.run(heard(Answers(), n=3, between=lambda _news: None))
    assert pieces[1:] == [b":\n\n", b":\n\n"]


def test_it_ends_when_the_box_stops_and_when_its_time_is_over() -> None:
    """No orderly stop waits for a stream."""
    assert len(asyncio.run(heard(Answers(), n=9, between=News.close))) == 1
    assert len(asyncio.run(heard(Answers(), n=9, between=News.ring, lasting_s=0.0))) == 1


def test_a_failing_disk_ends_it() -> None:
    """The client asks again, and is then told why."""

    class Failing(Answers):
        def read(self, after: int) -> tuple[Settled, ...]:
            raise StorageFailed(after=after)

    assert asyncio.run(heard(Failing(), n=9)) == [b"retry: 2000\n\n"]


def test_the_last_event_id_must_be_one(nurse: Person) -> None:
    """What is no number is refused before the stream begins."""
    answer = nurse.call("GET", f"{nurse.home}/events", headers={"Last-Event-ID": "7; drop"})
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert answer.json()["errors"][0]["field"] == "Last-Event-ID"


def test_only_ones_own_answers_are_told(scene: Scene) -> None:
    """Ids and states, nothing of the form."""
    owner, colleague = scene.people["owner"], scene.people["colleague"]
    inferences = scene.box.records.inferences
    (one,) = inferences.settled(owner.user.id, after=0)
    assert (one.inference_id, one.status) == (scene.inference_id, InferenceStatus.COMPLETED)
    assert inferences.settled(owner.user.id, after=one.seq) == ()
    assert inferences.settled(colleague.user.id, after=0) == ()


@pytest.mark.parametrize("before", [0, 1])
def test_the_route_begins_with_now_or_with_what_was_named(scene: Scene, before: int) -> None:
    """Without a name there is only the future."""
    scene.box.news.close()
    owner = scene.people["owner"]
    headers = {"Last-Event-ID": "0"} if before else {}
    answer = owner.call("GET", f"{owner.home}/events", headers=headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.count("event: result") == before
    assert FORM_2022["rgh"] not in answer.text
