"""Probes and counts for those who keep the box running; nothing of patients."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import MediaType, Response, Router, get
from litestar.di import NamedDependency

from appliance import __version__
from appliance.bootstrap import Appliance
from appliance.web.described import may_fail
from appliance.web.guards import listed_address
from appliance.web.problems import problem
from appliance.web.traffic import Traffic

_METRICS_TYPE: Final = "text/plain; version=0.0.4"


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe is told."""

    status: str
    version: str = __version__


class Readiness:
    """What has to hold before the box can do its main job; set from several threads."""

    def __init__(self, storage_failed: threading.Event | None = None) -> None:
        """Begin as a box whose workers did not begin and whose models are not loaded yet.

        Args:
            storage_failed: is set by whoever meets a failed disk.
        """
        self.begun = threading.Event()
        self.models_loaded = threading.Event()
        self.storage_failed = storage_failed or threading.Event()

    def lacks(self) -> tuple[str, ...]:
        """Return what does not hold."""
        lacking = []
        if self.storage_failed.is_set():
            lacking.append("storage")
        if not self.begun.is_set():
            lacking.append("workers")
        if not self.models_loaded.is_set():
            lacking.append("models")
        return tuple(lacking)


@get(
    "/health/live",
    exclude_from_auth=True,
    tags=("health",),
    responses=may_fail(),
    sync_to_thread=False,
)
def live() -> Health:
    """Say that the process answers."""
    return Health(status="live")


@get(
    "/health/ready",
    exclude_from_auth=True,
    tags=("health",),
    responses=may_fail(),
    sync_to_thread=True,
)
def ready(
    appliance: NamedDependency[Appliance], readiness: NamedDependency[Readiness]
) -> Response[Any]:
    """Say whether recordings can be stored and scored."""
    appliance.jobs.counts()
    lacking = readiness.lacks()
    if lacking:
        sentence = "The box is not ready."
        return problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "not-ready",
            sentence,
            sentence,
            members={"lacking": lacking},
        )
    return Response(Health(status="ready"))


@get(
    "/metrics",
    exclude_from_auth=True,
    tags=("health",),
    media_type=MediaType.TEXT,
    responses=may_fail(403),
    sync_to_thread=True,
)
def metrics(
    appliance: NamedDependency[Appliance],
    readiness: NamedDependency[Readiness],
    traffic: NamedDependency[Traffic],
) -> Response[str]:
    """Return counts in the text format of Prometheus."""
    lines = [
        *_box_lines(readiness),
        *_disk_lines(appliance),
        *_result_lines(appliance),
        *_traffic_lines(traffic),
    ]
    return Response("\n".join(lines) + "\n", media_type=_METRICS_TYPE)


def health_router(appliance: Appliance) -> Router:
    """Return the probes, and the counts behind the list of addresses."""
    counted = Router("", route_handlers=[metrics], guards=(listed_address(appliance),))
    return Router("", route_handlers=[live, ready, counted])


def _box_lines(readiness: Readiness) -> Iterator[str]:
    yield "# TYPE spira_build_info gauge"
    yield f'spira_build_info{{version="{__version__}"}} 1'
    yield "# TYPE spira_ready gauge"
    yield f"spira_ready {0 if readiness.lacks() else 1}"


def _disk_lines(appliance: Appliance) -> Iterator[str]:
    yield "# HELP spira_disk_free_bytes What may still be written to the data disk."
    yield "# TYPE spira_disk_free_bytes gauge"
    yield f"spira_disk_free_bytes {appliance.space.free_bytes()}"
    yield "# HELP spira_ballast_bytes Space held for a full disk; less than usual: it was full."
    yield "# TYPE spira_ballast_bytes gauge"
    yield f"spira_ballast_bytes {appliance.space.ballast_bytes()}"


def _result_lines(appliance: Appliance) -> Iterator[str]:
    yield "# HELP spira_results Results by state."
    yield "# TYPE spira_results gauge"
    for state, n_results in sorted(appliance.jobs.counts().items()):
        yield f'spira_results{{state="{state}"}} {n_results}'


def _traffic_lines(traffic: Traffic) -> Iterator[str]:
    yield "# HELP spira_http_responses_total Answers since the process started."
    yield "# TYPE spira_http_responses_total counter"
    for status, n_answers in traffic.by_status().items():
        yield f'spira_http_responses_total{{status="{status}"}} {n_answers}'
