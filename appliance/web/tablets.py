"""Tablets with credentials of their own, and how each of them stands."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, post
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.handlers.base import BaseRouteHandler
from msgspec import Meta

from appliance.bootstrap import Appliance
from appliance.core.account import Role
from appliance.core.errors import NotAllowed
from appliance.core.tablet import Standing, Tablet
from appliance.usecases.tablets import enrol
from appliance.web import wire
from appliance.web.bodies import AppVersion, Body, Count, Instant, Word
from appliance.web.box import MIN_APP_VERSION
from appliance.web.described import may_fail, takes_json
from appliance.web.requests import BoxRequest
from appliance.web.tokens import FOR_TABLETS, TABLET_COOKIE, host_cookie, tablet_of

COOKIE_LASTS_S: Final = 400 * 24 * 3600
"""The longest that browsers keep a cookie (RFC 6265bis); each heartbeat begins anew."""

_log = logging.getLogger(__name__)


class EnrolmentBody(Body, frozen=True, kw_only=True):
    """Of POST /v1/tablets/."""

    code: Word


class TabletWire(msgspec.Struct, frozen=True, kw_only=True):
    """A tablet as it knows itself."""

    id: str
    name: str


class HeartbeatBody(Body, frozen=True, kw_only=True):
    """What a tablet says of itself; counts and times only."""

    app_version: AppVersion
    waiting: Count
    oldest_at: Instant | None = None
    storage_pct: Annotated[float, Meta(ge=0, le=100)] | None = None
    highest_seq: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """How far the box got.

    Attributes:
        backed_up_through_seq: null while there is no backup.
        tablet: as whom the box knows this tablet; null where it is not enrolled.
    """

    epoch: str
    last_seq: int
    backed_up_through_seq: int | None
    time: str
    min_app_version: str
    tablet: TabletWire | None


def carrier(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """Let tablets and nurses in; others get NotAllowed."""
    if not isinstance(connection.user, Tablet) and connection.user.role is not Role.NURSE:
        raise NotAllowed


@post(
    "/v1/tablets",
    exclude_from_auth=True,
    tags=("tablets",),
    status_code=HTTPStatus.CREATED,
    opt=takes_json(EnrolmentBody),
    responses=may_fail(400, 413, 415, 422),
)
async def enrol_tablet(
    request: BoxRequest, appliance: NamedDependency[Appliance]
) -> Response[TabletWire]:
    """Enrol this tablet by a one-time code; the same code again while no answer arrived."""
    sent = await request.read_json(EnrolmentBody)
    tablet, secret = await asyncio.to_thread(
        enrol,
        sent.code,
        clock=appliance.clock,
        new_secret=appliance.new_secret,
        tablets=appliance.tablets,
    )
    return Response(_wire(tablet), cookies=[_cookie(secret)])


@post(
    "/v1/tablets/me/heartbeat",
    guards=(carrier,),
    tags=("tablets",),
    status_code=HTTPStatus.OK,
    opt=takes_json(HeartbeatBody) | FOR_TABLETS,
    responses=may_fail(400, 401, 403, 413, 415, 422),
)
async def heartbeat(
    request: BoxRequest, appliance: NamedDependency[Appliance]
) -> Response[Heartbeat]:
    """Say how a tablet stands, and learn how far the box got."""
    sent = await request.read_json(HeartbeatBody)
    now = appliance.clock()
    standing = Standing(
        at=now,
        app_version=sent.app_version,
        n_waiting=sent.waiting,
        oldest_at=sent.oldest_at,
        storage_pct=sent.storage_pct,
        highest_seq=sent.highest_seq,
    )
    tablet = tablet_of(request)
    _tell_of_trouble(standing, tablet)
    if tablet is not None:
        await asyncio.to_thread(appliance.tablets.stands, tablet.id, standing)
    answer = Heartbeat(
        epoch=appliance.owner,
        last_seq=await asyncio.to_thread(appliance.envelopes.last_seq),
        backed_up_through_seq=None,
        time=wire.instant(now) or "",
        min_app_version=MIN_APP_VERSION,
        tablet=None if tablet is None else _wire(tablet),
    )
    kept = [] if tablet is None else [_cookie(request.cookies[TABLET_COOKIE])]
    return Response(answer, cookies=kept)


def _tell_of_trouble(standing: Standing, tablet: Tablet | None) -> None:
    """Log a tablet that stays behind or fills up: IT reads it."""
    if standing.is_behind(now=standing.at):
        _log.warning(
            "tablet-behind",
            extra={
                "tablet_id": None if tablet is None else tablet.id,
                "n_waiting": standing.n_waiting,
                "oldest_at": wire.instant(standing.oldest_at),
                "storage_pct": standing.storage_pct,
            },
        )


def _wire(tablet: Tablet) -> TabletWire:
    return TabletWire(id=tablet.id, name=tablet.name)


def _cookie(secret: str) -> Cookie:
    return host_cookie(TABLET_COOKIE, secret, max_age_s=COOKIE_LASTS_S)
