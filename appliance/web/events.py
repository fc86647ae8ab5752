"""The stream of new results (server-sent events): ids and states, nothing of a patient."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Final

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from appliance.bootstrap import Appliance
from appliance.core.errors import ApplianceError, FieldError, InvalidRequest
from appliance.core.inference import Settled
from appliance.web.described import TakesHeader, may_fail, reads
from appliance.web.guards import NURSE, own_path
from appliance.web.news import News
from appliance.web.requests import BoxRequest

PING_S: Final = 15.0
"""A stream says something at least so often, so that both ends learn that the other is there."""
LASTING_S: Final = 120.0
"""Then it ends, and the client asks again: who may read it is looked at anew."""
RETRY_MS: Final = 2_000

EVENT_ID: Final = "^[0-9]{0,18}$"
"""Of the header `Last-Event-ID`; empty is the same as none: from now on."""


class EventController(Controller):
    """Nurses hear of their own results."""

    path = "/v1/users/{user_id:str}/events"
    tags = ("results",)
    guards = (NURSE, own_path)

    @get(
        media_type="text/event-stream",
        opt=reads(
            TakesHeader(
                name="Last-Event-ID", meaning="The last event that was seen", pattern=EVENT_ID
            )
        ),
        responses=may_fail(401, 403, 422),
    )
    async def stream(
        self,
        user_id: FromPath[str],
        request: BoxRequest,
        appliance: NamedDependency[Appliance],
        news: NamedDependency[News],
    ) -> Stream:
        """Say at once which of one's own inferences were answered, beginning with now."""
        del user_id  # the guard has looked at it
        named = request.headers.get("last-event-id", "")
        after = _seq(named) if named else (await asyncio.to_thread(appliance.audit.head))[0]
        user = request.user.id
        answers = answers_after(
            after, lambda seq: appliance.inferences.settled(user, after=seq), news=news
        )
        return Stream(answers, media_type="text/event-stream")


async def answers_after(
    after: int,
    read: Callable[[int], tuple[Settled, ...]],
    *,
    news: News,
    ping_s: float = PING_S,
    lasting_s: float = LASTING_S,
) -> AsyncIterator[bytes]:
    """Yield an event an answer, and pings; end when the box stops or `lasting_s` is over.

    Args:
        after: the last answer that is known.
        read: returns the answers after a `seq`; blocks, may raise ApplianceError.
        news: rings when there may be more.
        ping_s: longest silence.
        lasting_s: longest life.
    """
    loop = asyncio.get_running_loop()
    ends_s = loop.time() + lasting_s
    yield f"retry: {RETRY_MS}\n\n".encode()
    while True:
        bell = news.bell()
        try:
            found = await asyncio.to_thread(read, after)
        except ApplianceError:
            return  # the answer began: the client asks again, and is then told why
        for one in found:
            after = one.seq
            yield _event(one)
        if news.is_closed or loop.time() >= ends_s:
            return
        if not found and not await _rung(bell, ping_s):
            yield b":\n\n"


async def _rung(bell: asyncio.Event, within_s: float) -> bool:
    try:
        await asyncio.wait_for(bell.wait(), within_s)
    except TimeoutError:
        return False
    return True


def _event(one: Settled) -> bytes:
    told = msgspec.json.encode({"inference_id": one.inference_id, "status": one.status})
    return b"event: result\nid: %d\ndata: %b\n\n" % (one.seq, told)


def _seq(text: str) -> int:
    """Return the id of an event. Raises InvalidRequest."""
    if not re.fullmatch(EVENT_ID, text):
        fault = FieldError(field="Last-Event-ID", code="invalid", message="is no event's id")
        raise InvalidRequest(errors=(fault,))
    return int(text)
