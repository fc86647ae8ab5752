"""The web application: every route, behind one set of rules."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ASGIApp, ControllerRouterHandler

from appliance.bootstrap import Appliance
from appliance.core.session_ages import SessionAges
from appliance.settings import Settings
from appliance.web import docs, problems
from appliance.web.accounts import UserController
from appliance.web.app_sessions import from_own_page, refresh
from appliance.web.box import show_box
from appliance.web.envelopes import missing, outbox_key, send_envelope
from appliance.web.events import EventController
from appliance.web.headers import outermost
from appliance.web.health import Readiness, health_router
from appliance.web.hospitals import HospitalController
from appliance.web.inferences import InferenceController
from appliance.web.models import ModelController
from appliance.web.news import News
from appliance.web.options import answering_options
from appliance.web.protocols import ProtocolController
from appliance.web.recordings import AttachedRecordingController, RecordingController
from appliance.web.requests import MAX_DEPTH, BoxRequest
from appliance.web.results import ResultController
from appliance.web.sign_in import SignInController
from appliance.web.tablet_app import Asset, app_handlers
from appliance.web.tablets import enrol_tablet, heartbeat
from appliance.web.tokens import TABLETS, token_auth
from appliance.web.traffic import Traffic
from appliance.web.turns import Turns

N_HASHES_AT_ONCE = 2
N_HASHES_WAITING = 32
"""Half of them would wait longer than a person does."""
N_KEPT_FOR_KNOWN = 16
"""Places for who is signed in, or signed in from the same address before."""

N_MEASURED_AT_ONCE = 2
"""Recordings checked and measured: each takes some 100 MiB for an instant, and a core."""

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


def create_web(
    appliance: Appliance,
    *,
    readiness: Readiness,
    news: News | None = None,
    assets: Mapping[str, Asset] | None = None,
    lifespan: Sequence[Lifespan] = (),
) -> Litestar:
    """Return the ASGI application.

    Args:
        appliance: every port, filled.
        readiness: what `/health/ready` asks.
        news: rung when there is a new result.
        assets: the files of the web app by their paths.
        lifespan: what runs from start to stop.
    """
    traffic, ages = Traffic(), SessionAges()
    settings = appliance.settings
    app = Litestar(
        route_handlers=_routes(appliance, assets or {}),
        on_app_init=[token_auth(appliance, ages).on_app_init],
        guards=[from_own_page],
        request_class=BoxRequest,
        request_max_body_size=settings.max_json_bytes,
        state=State({MAX_DEPTH: settings.max_json_depth, TABLETS: appliance.tablets}),
        exception_handlers=problems.HANDLERS,
        openapi_config=docs.openapi_config(),
        cors_config=_cors(settings.cors_origins),
        dependencies=_handed_out(
            appliance=appliance,
            readiness=readiness,
            traffic=traffic,
            ages=ages,
            news=news or News(),
            hashing=Turns(
                n_at_once=N_HASHES_AT_ONCE, n_waiting=N_HASHES_WAITING, n_kept=N_KEPT_FOR_KNOWN
            ),
            measuring=asyncio.Semaphore(N_MEASURED_AT_ONCE),
        ),
        lifespan=list(lifespan),
        logging_config=None,
        debug=False,
    )
    app.asgi_handler = _layered(app, settings, traffic)
    return app


def _routes(appliance: Appliance, assets: Mapping[str, Asset]) -> list[ControllerRouterHandler]:
    """Return everything that answers a request."""
    return [
        SignInController,
        refresh,
        outbox_key,
        send_envelope,
        missing,
        enrol_tablet,
        heartbeat,
        UserController,
        ModelController,
        HospitalController,
        ProtocolController,
        InferenceController,
        ResultController,
        RecordingController,
        AttachedRecordingController,
        EventController,
        show_box,
        health_router(appliance),
        *app_handlers(assets),
    ]


def _layered(app: Litestar, settings: Settings, traffic: Traffic) -> ASGIApp:
    """Return the router behind what every request passes first."""
    return outermost(
        answering_options(app.asgi_handler, cors=bool(settings.cors_origins)),
        allowed_hosts=frozenset(name.lower() for name in settings.allowed_hosts),
        allowed_origins=frozenset(origin.lower() for origin in settings.cors_origins),
        traffic=traffic,
    )


def _handed_out(**fillers: object) -> dict[str, Provide]:
    """Return what hands each of these values, the same one, to every handler that names it."""

    def always(filler: object) -> Provide:
        def provide() -> Any:  # noqa: ANN401 - each dependency is of its own type
            return filler

        return Provide(provide, sync_to_thread=False)

    return {name: always(filler) for name, filler in fillers.items()}


def _cors(origins: Sequence[str]) -> CORSConfig | None:
    """Return the rules for a 2022 web app served elsewhere; None where there is none."""
    if not origins:
        return None
    return CORSConfig(
        allow_origins=list(origins),
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Content-Digest", "Range"],
        allow_credentials=False,
    )
